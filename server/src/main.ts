import { join } from 'node:path';
import { HELP, parseCommand } from './cli/parse-command.ts';
import { runCommand } from './cli/run-command.ts';
import { startupText } from './cli/startup-text.ts';
import { describeMistakes, loadConfig } from './config/load-config.ts';
import type { OpenListener } from './core/ports/channel.ts';
import { configWarned, drainBegan, serverStarted, serverStopped, surpriseCaught } from './observability/events.ts';
import { createLog } from './observability/log.ts';
import { PrometheusMetrics } from './observability/metrics.ts';
import { type ServerParts, startServer } from './server.ts';

const terminal = {
  get input() {
    return process.stdin;
  },
  output: process.stdout,
};
const rootDir = join(import.meta.dirname, '../..');

/** npm passes on what the terminal or the supervisor sends to the whole group too: within this time two signals are one. */
const SAME_SIGNAL_MS = 500;
const PARENT_CHECK_MS = 200;

process.exitCode = await main();

async function main(): Promise<number> {
  const command = parseCommand(process.argv.slice(2));
  if (command.type === 'help') return say(HELP);
  if (command.type === 'mistake') return complain(`${command.message}\n\n${HELP}`);
  const loaded = loadConfig(process.env, rootDir);
  if ('errors' in loaded) return complain(describeMistakes(loaded.errors));
  const { config, secrets, warnings } = loaded;
  const log = createLog({ level: config.logLevel });
  const cacheDir = join(rootDir, '.cache');
  const searchPath = process.env['PATH'] ?? '';
  try {
    if (command.type !== 'start')
      return await runCommand(command, { config, secrets, warnings, cacheDir, searchPath, log, say, terminal });
    configWarned(log, warnings);
    using metrics = new PrometheusMetrics();
    await serve({ config, secrets, cacheDir, searchPath, log, metrics }, warnings);
    return 0;
  } catch (error) {
    return complain(error instanceof Error ? error.message : String(error));
  }
}

/** Serves until the first TERM or INT, lets calls finish, and stops; the second signal cuts the wait. */
async function serve(parts: ServerParts, warnings: readonly string[]): Promise<void> {
  const { config, log } = parts;
  const signals = stopSignals();
  for (const origin of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(origin, (error: unknown) => surpriseCaught(log, origin, error));
  }
  await using server = await startServer(parts);
  const addressOf = (protocol: OpenListener['protocol']) =>
    server.listeners.find((listener) => listener.protocol === protocol)?.address ?? '';
  const readyMs = Math.round(performance.now());
  serverStarted(log, {
    nodeId: server.nodeId,
    http: server.http.address,
    audioSocket: addressOf('AudioSocket'),
    sip: addressOf('SIP'),
    tookMs: readyMs,
  });
  say(
    startupText({
      readyMs,
      http: server.http.url,
      audioSocket: addressOf('AudioSocket'),
      sip: addressOf('SIP'),
      dataDir: config.dataDir,
      isDatabaseEmbedded: config.database.type === 'embedded',
      engines: server.engines,
      demo: server.demo,
      hosts: { http: config.publicHost, audioSocket: config.audioSocket.publicHost },
      warnings: [...warnings, ...server.gaps],
    }),
  );
  await signals.stop;
  const stoppingAtMs = performance.now();
  drainBegan(log, server.liveCalls, config.shutdownGraceMs);
  const callsCut = await server.drain(signals.now);
  await server[Symbol.asyncDispose]();
  serverStopped(log, { callsCut, tookMs: performance.now() - stoppingAtMs });
}

/** `stop` resolves with the first TERM or INT, `now` with the next. */
function stopSignals(): { readonly stop: Promise<void>; readonly now: Promise<void> } {
  const stop = Promise.withResolvers<void>();
  const now = Promise.withResolvers<void>();
  let firstAtMs: number | null = null;
  const signalled = () => {
    firstAtMs ??= performance.now();
    if (performance.now() - firstAtMs > SAME_SIGNAL_MS) now.resolve();
    stop.resolve();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, signalled);
  if (process.env['npm_lifecycle_event'] !== undefined) onParentGone(stop.resolve);
  return { stop: stop.promise, now: now.promise };
}

/** Some shells (Debian's dash 0.5.12) stay between npm and us, die of the signal that npm passes on, and tell us nothing. */
function onParentGone(gone: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone();
  }, PARENT_CHECK_MS).unref();
}

function say(text: string): 0 {
  process.stdout.write(`${text}\n`);
  return 0;
}

function complain(text: string): 1 {
  process.stderr.write(`${text}\n`);
  return 1;
}
