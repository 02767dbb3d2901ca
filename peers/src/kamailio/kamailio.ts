import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repositoryFolder } from '../cache-folder.ts';
import { privateRoot } from '../debian/private-root.ts';
import { freeUdpBlock } from '../free-ports.ts';

const HOST = '127.0.0.1';
const SUITE = 'bookworm';
const START_MS = 15_000;
const STOP_MS = 3_000;

/** A running Kamailio. Its folder goes when it stops. */
export interface Kamailio extends AsyncDisposable {
  /** UDP, on loopback. */
  readonly port: number;
  /** The end of what it logged. */
  readonly log: () => string;
}

/**
 * Debian's Kamailio with the sample of deploy/kamailio, on a port of its own, in front of the servers given.
 * @throws DebianPackageMissing, or Error with its log when it does not start.
 */
export async function startKamailio(serverPorts: readonly number[]): Promise<Kamailio> {
  const root = await privateRoot(SUITE, ['kamailio']);
  const folder = await mkdtemp(join(tmpdir(), 'kamailio-'));
  const port = await freeUdpBlock(2);
  const sample = join(repositoryFolder(), 'deploy/kamailio');
  const text = (await readFile(join(sample, 'kamailio.cfg'), 'utf8'))
    .replace('log_stderror=no', 'log_stderror=yes')
    // Two workers may overtake one another with a 180 and its 200, which SIPp calls a mistake.
    .replace('children=2', 'children=1')
    .replace('203.0.113.10:5060', `${HOST}:${port}`)
    .replace('/usr/lib/x86_64-linux-gnu/kamailio/modules/', join(root.libraries, 'kamailio/modules/'))
    .replace('/etc/kamailio/dispatcher.list', join(folder, 'dispatcher.list'));
  await writeFile(join(folder, 'kamailio.cfg'), text);
  const servers = serverPorts.map((serverPort) => `1 sip:${HOST}:${serverPort}\n`);
  await writeFile(join(folder, 'dispatcher.list'), servers.join(''));
  const [file = '', option = '', libraries = '', ...args] = root.command('kamailio');
  // Its modules' own libraries lie in a folder beside them.
  const path = [option, `${libraries}:${root.libraries}/kamailio`];
  const own = ['-f', join(folder, 'kamailio.cfg'), '-DD', '-Y', folder, '-m', '32', '-M', '4'];
  const child = spawn(file, [...path, ...args, ...own], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  return await ready(child, { folder, port });
}

async function ready(child: ChildProcess, { folder, port }: { folder: string; port: number }): Promise<Kamailio> {
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-8_000);
    });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      // Its workers are children of its own: the whole group goes.
      const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(timer);
    }
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_MS;
  while (!output.includes('Listening on')) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`Kamailio does not start: ${output}`);
    }
    await sleep(50);
  }
  return { port, log: () => output, [Symbol.asyncDispose]: stop };
}
