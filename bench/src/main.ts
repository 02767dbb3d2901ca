import { conditions } from './conditions.ts';

/** The benches by name. Each reads its own options and returns what it measured, ready for JSON. */
const BENCHES: Readonly<Record<string, () => Promise<{ run(args: readonly string[]): Promise<object> }>>> = {
  'barge-in': () => import('./barge-in.ts'),
  webhook: () => import('./webhook.ts'),
  'sip-setup': () => import('./sip-setup.ts'),
  leaks: () => import('./leaks.ts'),
  pacing: () => import('./pacing.ts'),
  'rtp-pacing': () => import('./rtp-pacing.ts'),
  'ws-calls': () => import('./ws-calls.ts'),
  'asterisk-load': () => import('./asterisk-load.ts'),
  'asterisk-latency': () => import('./asterisk-latency.ts'),
  'leaks-media': () => import('./leaks-media.ts'),
  'sip-fuzz': () => import('./sip-fuzz.ts'),
  'rtp-loss': () => import('./rtp-loss.ts'),
  'rtp-soak': () => import('./rtp-soak.ts'),
  'playout-truth': () => import('./playout-truth.ts'),
};

const [name, ...args] = process.argv.slice(2);
const bench = name === undefined ? undefined : BENCHES[name];
if (bench === undefined) {
  console.error(`Usage: npm run bench -- NAME [options]\nNAME is one of: ${Object.keys(BENCHES).join(', ')}`);
  process.exitCode = 1;
} else {
  const before = conditions();
  const result = await (await bench()).run(args);
  console.log(JSON.stringify({ bench: name, conditions: before, result }, null, 2));
}
