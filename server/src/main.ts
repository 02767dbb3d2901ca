import { join } from 'node:path';
import { HELP, parseCommand } from './cli/parse-command.ts';
import { runCommand } from './cli/run-command.ts';
import { startupText } from './cli/startup-text.ts';
import { describeMistakes, loadConfig } from './config/load-config.ts';
import { configWarned, drainBegan, serverStarted, serverStopped, surpriseCaught } from './observability/events.ts';
import { createLog } from './observability/log.ts';
import { PrometheusMetrics } from './observability/metrics.ts';
import { type ServerParts, startServer } from './server.ts';

const rootDir = join(import.meta.dirname, '../..');

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
    if (command.type !== 'start') return await runCommand(command, { config, secrets, cacheDir, searchPath, log, say });
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
  const [audioSocket] = server.listeners;
  const readyMs = Math.round(performance.now());
  serverStarted(log, {
    nodeId: server.nodeId,
    http: server.http.address,
    audioSocket: audioSocket?.address ?? null,
    tookMs: readyMs,
  });
  say(
    startupText({
      readyMs,
      http: server.http.url,
      audioSocket: audioSocket?.address ?? '',
      dataDir: config.dataDir,
      isDatabaseEmbedded: config.database.type === 'embedded',
      engines: server.engines,
      demo: server.demo,
      hosts: { http: config.publicHost, audioSocket: config.audioSocket.publicHost },
      warnings,
    }),
  );
  await signals.stop;
  const stoppingAtMs = performance.now();
  drainBegan(log, server.liveCalls, config.shutdownGraceMs);
  const callsCut = await server.drain(signals.now);
  await server[Symbol.asyncDispose]();
  serverStopped(log, { callsCut, tookMs: performance.now() - stoppingAtMs });
}

function stopSignals(): { readonly stop: Promise<void>; readonly now: Promise<void> } {
  const stop = Promise.withResolvers<void>();
  const now = Promise.withResolvers<void>();
  let count = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => (count++ === 0 ? stop.resolve() : now.resolve()));
  }
  return { stop: stop.promise, now: now.promise };
}

function say(text: string): 0 {
  process.stdout.write(`${text}\n`);
  return 0;
}

function complain(text: string): 1 {
  process.stderr.write(`${text}\n`);
  return 1;
}
