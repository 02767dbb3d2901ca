import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { AppError } from '../core/errors.ts';
import type { EventLog } from '../core/ports/event-log.ts';

export type TlsFiles = { readonly certFile: string; readonly keyFile: string };
export type TlsPair = { readonly cert: Buffer; readonly key: Buffer };

const LOOK_EVERY_MS = 5_000;

/** Reads a certificate and its key. @throws AppError not_configured naming the file, or saying that they do not fit. */
export function readTlsPair(files: TlsFiles): TlsPair {
  const pair = { cert: read('TLS__CERT', files.certFile), key: read('TLS__KEY', files.keyFile) };
  try {
    createSecureContext(pair);
  } catch (cause) {
    throw new AppError('not_configured', {
      detail: `TLS__CERT ${files.certFile} and TLS__KEY ${files.keyFile} are no certificate with its key`,
      cause,
    });
  }
  return pair;
}

/**
 * Hands over each pair that differs from `current`. Reads the files instead of waiting for their events: a renewed certificate
 * is often a renamed file or a turned symbolic link. A pair that does not fit, as halfway through a renewal, is logged once and
 * left.
 */
export function watchTlsPair(
  files: TlsFiles,
  log: EventLog,
  watch: { readonly current: TlsPair; readonly changed: (pair: TlsPair) => void; readonly lookEveryMs?: number },
): Disposable {
  let { cert, key } = watch.current;
  let reason = '';
  const look = () => {
    try {
      const pair = readTlsPair(files);
      reason = '';
      if (pair.cert.equals(cert) && pair.key.equals(key)) return;
      ({ cert, key } = pair);
      watch.changed(pair);
      log.info('tls.reloaded', { certFile: files.certFile });
    } catch (error) {
      if (String(error) !== reason) log.warn('tls.reload_failed', { reason: String(error) });
      reason = String(error);
    }
  };
  const timer = setInterval(look, watch.lookEveryMs ?? LOOK_EVERY_MS).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function read(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new AppError('not_configured', { detail: `${name} ${path} cannot be read`, cause });
  }
}
