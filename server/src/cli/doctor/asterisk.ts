import { type AriAnswer, type AriLogin, AriProbe, wordsOfAri } from './asterisk-ari.ts';
import {
  audioSocketOf,
  type DialplanGlobals,
  type Hosts,
  httpHostOf,
  judgeGlobals,
  readGlobals,
} from './asterisk-dialplan.ts';
import { loginsOf } from './asterisk-logins.ts';
import { judgeCodecs, judgeModules, type ModuleStates, readModules } from './asterisk-modules.ts';
import { type Check, type Finding, fail, ok, warn, wordsOf } from './check.ts';
import type { DoctorTopic } from './topic.ts';

/** What one check found and later ones need; null while, or because, Asterisk does not answer. */
type Known = { modules: ModuleStates | null; globals: DialplanGlobals | null };

/** The first Asterisk with chan_websocket, by its branch. */
const CHAN_WEBSOCKET_SINCE: Readonly<Record<number, number>> = { 20: 16, 21: 11, 22: 6, 23: 0 };
const AUDIOSOCKET_SINCE = 16;
const LOGIN_ADVICE =
  'ari_user is the name of a section in ari.conf with type = user, ari_password its password; then module reload res_ari.so';

/** An Asterisk that brings calls, or places ours: everything that can be told from the outside. */
export const asteriskTopic: DoctorTopic = {
  word: 'asterisk',
  help: [
    [
      'doctor asterisk',
      'look at the Asterisk of the stored credential: ARI, modules, codecs, dialplan, whether it reaches us',
    ],
    [
      'doctor asterisk --ari-url URL --ari-user USER [--endpoint PJSIP/trunk]',
      'look at another one; the password is asked for',
    ],
  ],
  options: { 'ari-url': { type: 'string' }, 'ari-user': { type: 'string' }, endpoint: { type: 'string' } },
  checks: async (world, options, stack): Promise<readonly Check[]> => {
    const endpoint = typeof options['endpoint'] === 'string' ? options['endpoint'] : null;
    const logins = await loginsOf(world, options['ari-url'], options['ari-user'], stack);
    return logins.flatMap((login) => {
      const ari = stack.use(new AriProbe(login));
      return asteriskChecks(ari, login, { hosts: world.config, endpoint: endpoint ?? login.endpoint });
    });
  },
};

type Wish = { readonly hosts: Hosts; readonly endpoint: string | null };

/** The checks of one Asterisk; the first one decides whether the others have anything to say. */
export function asteriskChecks(ari: AriProbe, login: Omit<AriLogin, 'password'>, wish: Wish): readonly Check[] {
  const known: Known = { modules: null, globals: null };
  const told = (
    name: string,
    run: (found: NonNullable<Known['modules']>, signal: AbortSignal) => ReturnType<Check['run']>,
  ): Check => ({
    name,
    run: (signal) => (known.modules === null ? [] : run(known.modules, signal)),
  });
  return [
    { name: 'ARI', run: (signal) => judgeAri(ari, login, known, signal) },
    told('modules', judgeModules),
    told('codecs', judgeCodecs),
    told('endpoint', (_modules, signal) => (wish.endpoint === null ? [] : judgeEndpoint(ari, wish.endpoint, signal))),
    told('dialplan', async (_modules, signal) => {
      known.globals = await readGlobals(ari, signal);
      return judgeGlobals(known.globals, wish.hosts);
    }),
    told('reaches HTTP', (modules, signal) => judgeHttp(ari, { modules, known, hosts: wish.hosts }, signal)),
    told('reaches audio', (modules, signal) => judgeAudioSocket(ari, { modules, known, hosts: wish.hosts }, signal)),
  ];
}

async function judgeAri(ari: AriProbe, { url, user }: Omit<AriLogin, 'password'>, known: Known, signal: AbortSignal) {
  let info: AriAnswer;
  try {
    info = await ari.ask('GET', '/asterisk/info?only=system', signal);
  } catch (error) {
    return unreachable(url, error);
  }
  if (info.status === 401) return fail(`Asterisk does not let ${user} in with this password`, LOGIN_ADVICE);
  const version = versionOf(info);
  if (version === null) {
    const words = [info.status, wordsOfAri(info)].filter(Boolean).join(' ');
    return fail(
      `an HTTP server answers at ${url}, but no ARI (${words})`,
      'ari.conf: [general] enabled = yes; modules.conf: res_ari.so, res_ari_asterisk.so; ari_url ends before /ari',
    );
  }
  const modules = await ari.ask('GET', '/asterisk/modules', signal);
  known.modules = readModules(modules.body);
  return judgeVersion(version);
}

function versionOf({ status, body }: AriAnswer): string | null {
  if (status !== 200 || typeof body !== 'object' || body === null || !('system' in body)) return null;
  const { system } = body;
  if (typeof system !== 'object' || system === null || !('version' in system)) return null;
  return String(system.version);
}

/** Exported for its table of versions. */
export function judgeVersion(version: string): Finding {
  const [, major = '', minor = '0'] = /^(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  const name = `Asterisk ${version}`;
  if (major === '') return ok(`${name}, a version without a number`);
  if (Number(major) < AUDIOSOCKET_SINCE)
    return fail(`${name} has no AudioSocket`, 'install Asterisk 18 or newer; 22 is what we test with');
  const since = CHAN_WEBSOCKET_SINCE[Number(major)];
  const hasWebSocket = Number(major) > 23 || (since !== undefined && Number(minor) >= since);
  if (hasWebSocket) return ok(name);
  return warn(
    `${name} has AudioSocket, but no chan_websocket`,
    'right, if its calls come by AudioSocket; else 20.16, 21.11, 22.6, 23.0 or newer',
  );
}

const UNREACHABLE: Readonly<Record<string, readonly [what: string, advice: string]>> = {
  ECONNREFUSED: [
    'nothing listens there',
    'http.conf: enabled = yes, bindaddr (127.0.0.1 serves only its own machine), bindport; then ari_url',
  ],
  ENOTFOUND: ['this name has no address', 'correct the host in ari_url'],
  EAI_AGAIN: ['the name server does not answer', 'look at the DNS of this machine, or write an address into ari_url'],
  ECONNRESET: [
    'it hangs up on HTTP',
    'ari_url: https where http.conf has tlsenable = yes, and the port of tlsbindaddr',
  ],
  EPROTO: ['it does not speak TLS', 'ari_url: write http://, or set tlsenable = yes in http.conf'],
  ERR_SSL_WRONG_VERSION_NUMBER: [
    'it does not speak TLS',
    'ari_url: write http://, or set tlsenable = yes in http.conf',
  ],
};

function unreachable(url: string, error: unknown): Finding {
  const code = codeOf(error);
  const [what, advice] = UNREACHABLE[code] ?? [
    `no answer (${code})`,
    'look at the firewall, bindaddr in http.conf, and ari_url',
  ];
  return fail(`Asterisk is not reached at ${url}: ${what}`, advice);
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : wordsOf(cause);
}

async function judgeEndpoint(ari: AriProbe, endpoint: string, signal: AbortSignal): Promise<Finding> {
  const [, technology = '', rest = ''] = /^([^/]+)\/(.+)$/.exec(endpoint) ?? [];
  if (technology === '') return fail(`${endpoint} is no endpoint`, 'write it as PJSIP/trunk or PJSIP/number@trunk');
  const resource = rest.slice(rest.indexOf('@') + 1);
  const path = `/endpoints/${encodeURIComponent(technology)}/${encodeURIComponent(resource)}`;
  const answer = await ari.ask('GET', path, signal);
  const name = `${technology}/${resource}`;
  if (answer.status !== 200) {
    return fail(
      `Asterisk knows no ${name}`,
      'endpoint_technology and trunk of the credential; pjsip.conf: a section of that name with type=endpoint',
    );
  }
  const state =
    typeof answer.body === 'object' && answer.body !== null && 'state' in answer.body
      ? String(answer.body.state)
      : 'unknown';
  if (state === 'offline')
    return warn(`${name} is offline`, 'its contact does not answer OPTIONS: pjsip show contacts');
  return ok(`${name}, ${state === 'online' ? 'online' : 'its state is not watched'}`);
}

type ReachParts = { readonly modules: ModuleStates; readonly known: Known; readonly hosts: Hosts };

async function judgeHttp(ari: AriProbe, { modules, known, hosts }: ReachParts, signal: AbortSignal): Promise<Finding> {
  const host = known.globals && httpHostOf(known.globals, hosts);
  if (!host)
    return warn('neither RAPIDA_HOST nor PUBLIC_ASSISTANT_HOST is set, so it cannot be told', 'set one of them');
  if (modules.get('func_curl') !== 'Running') return warn('without func_curl it cannot be told', 'see modules');
  try {
    for (const scheme of ['https', 'http']) {
      const body = await ari.curl(`${scheme}://${host}/readiness`, signal);
      if (isOurs(body)) return scheme === 'https' ? ok(`https://${host}`) : httpOnly(host);
      if (body !== '')
        return fail(
          `at ${scheme}://${host} somebody else answers Asterisk`,
          'RAPIDA_HOST in [globals], or what forwards it',
        );
    }
  } catch (error) {
    return cannotTell(error);
  }
  return fail(
    `Asterisk gets nothing from ${host}, neither by https nor by http`,
    'RAPIDA_HOST and PUBLIC_ASSISTANT_HOST; HOST and PORT here; DNS and firewall of that machine; a certificate it trusts',
  );
}

function httpOnly(host: string): Finding {
  return warn(
    `http://${host}, but not https`,
    'write http:// in the CURL lines on a private network; else TLS__CERT and TLS__KEY, or a certificate that Asterisk trusts',
  );
}

/** The body of our /readiness, ready or not. */
function isOurs(body: string): boolean {
  return /^\{"status":("ok"|503)|"code":"(draining|database_unavailable)"/.test(body);
}

async function judgeAudioSocket(
  ari: AriProbe,
  { modules, known, hosts }: ReachParts,
  signal: AbortSignal,
): Promise<Finding> {
  const address = known.globals && audioSocketOf(known.globals, hosts);
  if (!address) {
    return warn(
      'neither RAPIDA_AS_HOST nor AUDIOSOCKET__PUBLIC_HOST is set, so it cannot be told',
      'set one of them, or use Dial(WebSocket/…)',
    );
  }
  if (modules.get('chan_audiosocket') !== 'Running')
    return warn('without chan_audiosocket it cannot be told', 'see modules');
  try {
    if (await ari.connectsAudioSocket(address, signal)) return ok(`AudioSocket at ${address}`);
  } catch (error) {
    return cannotTell(error);
  }
  return fail(
    `Asterisk cannot connect to AudioSocket at ${address}`,
    'RAPIDA_AS_HOST and RAPIDA_PORT in [globals]; AUDIOSOCKET__HOST and AUDIOSOCKET__PORT here; the firewall between',
  );
}

function cannotTell(error: unknown): Finding {
  return warn(
    `it cannot be told: ${wordsOf(error)}`,
    'it needs res_stasis.so, res_ari_events.so and res_ari_channels.so, and read_only = no in ari.conf',
  );
}
