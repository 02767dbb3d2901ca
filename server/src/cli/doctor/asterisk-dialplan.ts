import type { Config } from '../../config/config.ts';
import { isApiKey } from '../../vault/api-key.ts';
import type { AriProbe } from './asterisk-ari.ts';
import { type Finding, fail, ok, warn } from './check.ts';

export type Hosts = Pick<Config, 'publicHost' | 'audioSocket'>;

/** The variables of [globals] that the manual's dialplan is made of; null where one is not set. */
export type DialplanGlobals = Readonly<Record<(typeof NAMES)[number], string | null>>;

const NAMES = ['RAPIDA_API_KEY', 'RAPIDA_HOST', 'RAPIDA_AS_HOST', 'RAPIDA_PORT', 'ASSISTANT_ID'] as const;

export async function readGlobals(ari: AriProbe, signal: AbortSignal): Promise<DialplanGlobals> {
  const values = await Promise.all(
    NAMES.map(async (name) => [name, (await ari.global(name, signal)) || null] as const),
  );
  return Object.fromEntries(values) as DialplanGlobals;
}

/** The dialplan's variables against our settings. The key is never printed. */
export function judgeGlobals(globals: DialplanGlobals, { publicHost, audioSocket }: Hosts): readonly Finding[] {
  const missing = NAMES.filter((name) => globals[name] === null);
  if (missing.length === NAMES.length) {
    return [
      warn('[globals] of extensions.conf holds none of its variables', 'right, if the dialplan has them written out'),
    ];
  }
  const findings: Finding[] = missing.map((name) =>
    warn(`${name} is not set`, `set it in [globals] of extensions.conf, then dialplan reload`),
  );
  const {
    RAPIDA_API_KEY: key,
    RAPIDA_HOST: host,
    RAPIDA_AS_HOST: audioHost,
    RAPIDA_PORT: port,
    ASSISTANT_ID: id,
  } = globals;
  if (key !== null && !isApiKey(key))
    findings.push(fail('RAPIDA_API_KEY is no key of ours', 'npm start -- key create makes one'));
  if (id !== null && !/^\d{1,16}$/.test(id))
    findings.push(fail(`ASSISTANT_ID = ${id} is no number`, 'copy the id of an assistant'));
  if (host?.includes('/'))
    findings.push(fail(`RAPIDA_HOST = ${host} is more than a host`, 'write it without https:// and path'));
  if (host !== null && publicHost !== null && host !== publicHost) {
    findings.push(
      warn(`RAPIDA_HOST = ${host}, and PUBLIC_ASSISTANT_HOST here is ${publicHost}`, 'right, if both lead here'),
    );
  }
  if (audioHost !== null && /[:/]/.test(audioHost)) {
    findings.push(
      fail(`RAPIDA_AS_HOST = ${audioHost} is more than a host`, 'write the host alone; RAPIDA_PORT is its port'),
    );
  }
  if (port !== null && port !== String(audioSocket.port)) {
    findings.push(
      warn(
        `RAPIDA_PORT = ${port}, and AUDIOSOCKET__PORT here is ${audioSocket.port}`,
        'right, if something forwards it',
      ),
    );
  }
  return findings.length > 0 ? findings : [ok(`RAPIDA_HOST = ${host}, AudioSocket ${audioHost}:${port}`)];
}

/** host:port of our HTTP server as Asterisk is told it. */
export function httpHostOf(globals: DialplanGlobals, { publicHost }: Hosts): string | null {
  return globals.RAPIDA_HOST ?? publicHost;
}

/** host:port of our AudioSocket listener as Asterisk is told it. */
export function audioSocketOf(globals: DialplanGlobals, { audioSocket }: Hosts): string | null {
  const host = globals.RAPIDA_AS_HOST ?? audioSocket.publicHost;
  return host === null ? null : `${host}:${globals.RAPIDA_PORT ?? audioSocket.port}`;
}
