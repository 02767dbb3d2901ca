import { type Finding, fail, ok, warn } from './check.ts';

/** GET /ari/asterisk/modules, as far as it is read here: states by name without `.so`. */
export type ModuleStates = ReadonlyMap<string, string>;

type Purpose = {
  readonly what: string;
  readonly modules: readonly string[];
  /** Without it no call comes; else one way is closed. */
  readonly isNeeded?: true;
};

const PURPOSES: readonly Purpose[] = [
  { what: 'phase 1, CURL()', modules: ['func_curl', 'res_curl'], isNeeded: true },
  { what: 'URIENCODE()', modules: ['func_uri'] },
  { what: 'AudioSocket()', modules: ['res_audiosocket', 'app_audiosocket'] },
  { what: 'Dial(AudioSocket/…)', modules: ['res_audiosocket', 'chan_audiosocket', 'app_dial'] },
  {
    what: 'Dial(WebSocket/…)',
    modules: ['res_http_websocket', 'res_websocket_client', 'chan_websocket', 'app_dial'],
  },
  { what: 'calls placed by us', modules: ['res_ari', 'res_ari_channels', 'res_stasis'] },
  { what: 'events of calls placed by us', modules: ['res_ari_events', 'res_http_websocket'] },
];

/** Ways to bring the audio: one is enough. */
const WAYS = ['AudioSocket()', 'Dial(AudioSocket/…)', 'Dial(WebSocket/…)'];

const CODECS: readonly Purpose[] = [
  { what: 'μ-law phones and trunks', modules: ['codec_ulaw'] },
  { what: 'A-law phones and trunks', modules: ['codec_alaw'] },
  { what: 'rates other than 8 kHz (slin16, g722)', modules: ['codec_resample'] },
];
/** Fine to lack where no phone speaks only these. */
const WIDEBAND = { g722: 'codec_g722', opus: 'codec_opus' } as const;
const TELEPHONE_CODECS = ['codec_ulaw', 'codec_alaw'];

export function readModules(body: unknown): ModuleStates {
  if (!Array.isArray(body)) return new Map();
  return new Map(
    body.flatMap((one: unknown) => {
      if (typeof one !== 'object' || one === null || !('name' in one) || !('status' in one)) return [];
      return [[String(one.name).replace(/\.so$/, ''), String(one.status)] as const];
    }),
  );
}

/** What each purpose lacks, in the words of modules.conf. */
export function judgeModules(states: ModuleStates): readonly Finding[] {
  const isRunning = (name: string) => states.get(name) === 'Running';
  const open = WAYS.filter((way) => PURPOSES.find(({ what }) => what === way)?.modules.every(isRunning));
  const findings = PURPOSES.filter(({ modules }) => !modules.every(isRunning)).map(({ what, modules, isNeeded }) => {
    const isFatal = isNeeded || (WAYS.includes(what) && open.length === 0);
    return (isFatal ? fail : warn)(`${what}: ${lackOf(states, modules)}`, adviceFor(states, modules));
  });
  return findings.length > 0
    ? [ok(`audio may come by ${open.join(', ') || 'nothing'}`), ...findings].slice(open.length > 0 ? 0 : 1)
    : [ok('all that calls need is running')];
}

/** Formats that Asterisk can turn into ours: without a codec those phones hear nothing. */
export function judgeCodecs(states: ModuleStates): readonly Finding[] {
  const isRunning = (name: string) => states.get(name) === 'Running';
  const hasTelephony = TELEPHONE_CODECS.some(isRunning);
  const findings = CODECS.filter(({ modules }) => !modules.every(isRunning)).map(({ what, modules }) => {
    const isFatal = !hasTelephony && modules.some((name) => TELEPHONE_CODECS.includes(name));
    return (isFatal ? fail : warn)(`${what}: ${lackOf(states, modules)}`, adviceFor(states, modules));
  });
  if (findings.length > 0) return findings;
  const wideband = Object.entries(WIDEBAND).map(([name, module]) => `${isRunning(module) ? 'also' : 'not'} ${name}`);
  return [ok(`μ-law and A-law phones at any rate, ${wideband.join(', ')}`)];
}

function lackOf(states: ModuleStates, modules: readonly string[]): string {
  const words = modules
    .filter((name) => states.get(name) !== 'Running')
    .map((name) => `${name}.so is ${states.has(name) ? `loaded, but "${states.get(name)}"` : 'not loaded'}`);
  return words.join(', ');
}

function adviceFor(states: ModuleStates, modules: readonly string[]): string {
  const lines = modules.filter((name) => states.get(name) !== 'Running').map((name) => `load = ${name}.so`);
  return `in [modules] of modules.conf: ${lines.join(', ')}; where the file is not there, install its package`;
}
