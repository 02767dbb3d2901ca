import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { AppError, toAppError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { EventLog } from '../../core/ports/event-log.ts';

export type CertificateFiles = { readonly certFile: string; readonly keyFile: string };
/** PEM */
export type CertificatePair = { readonly cert: Buffer; readonly key: Buffer };

const LOOK_EVERY_MS = 5_000;

/** Reads the certificate of SIP over TLS and its key. @throws AppError not_configured. */
export async function readCertificate({ certFile, keyFile }: CertificateFiles): Promise<CertificatePair> {
  const pair = { cert: await read('SIP__TLS_CERT', certFile), key: await read('SIP__TLS_KEY', keyFile) };
  try {
    createSecureContext(pair);
  } catch (cause) {
    const detail = `SIP__TLS_CERT ${certFile} and SIP__TLS_KEY ${keyFile} are no certificate with its key`;
    throw new AppError('not_configured', { detail, cause });
  }
  return pair;
}

/**
 * Hands over each pair that differs from the one before. Reads the files instead of waiting for their events: a renewed
 * certificate is often a renamed file or a turned symbolic link. A pair that does not fit, as halfway through a renewal, is
 * logged once and left.
 */
export function watchCertificate(
  files: CertificateFiles,
  tools: { readonly clock: Clock; readonly log: EventLog },
  watch: { readonly current: CertificatePair; readonly changed: (pair: CertificatePair) => void },
): Disposable {
  let { current } = watch;
  let reason = '';
  let isOver = false;
  const look = async () => {
    try {
      const pair = await readCertificate(files);
      reason = '';
      if (isOver || (pair.cert.equals(current.cert) && pair.key.equals(current.key))) return;
      current = pair;
      watch.changed(pair);
      tools.log.info('tls.reloaded', { certFile: files.certFile });
    } catch (error) {
      const detail = toAppError(error).detail ?? String(error);
      if (detail !== reason) tools.log.warn('tls.reload_failed', { reason: detail });
      reason = detail;
    }
  };
  const again = () => {
    timer = tools.clock.after(LOOK_EVERY_MS, () => {
      void look().then(() => isOver || again());
    });
  };
  let timer: ReturnType<Clock['after']>;
  again();
  return {
    [Symbol.dispose]: () => {
      isOver = true;
      timer.cancel();
    },
  };
}

async function read(name: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new AppError('not_configured', { detail: `${name} ${path} cannot be read`, cause });
  }
}
