import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { debianProgram } from '../debian.ts';
import { runProgram } from '../run-program.ts';
import type { Asterisk } from './asterisk.ts';

/**
 * A shell in which `asterisk -rx "…"`, `nc` and `curl` are what a reader of the manual has: the console of this Asterisk, and
 * Debian's own programs. Returns how to run a block of commands; it throws with their words when one of them fails.
 */
export async function consoleShell(asterisk: Asterisk, caFile: string): Promise<(commands: string) => Promise<string>> {
  const bin = join(asterisk.runFolder, 'bin');
  await mkdir(bin, { recursive: true });
  const programs = {
    asterisk: asterisk.consoleCommand,
    nc: (await debianProgram('nc', 'netcat-openbsd')).command,
    curl: (await debianProgram('curl', 'curl')).command,
  };
  for (const [name, command] of Object.entries(programs)) {
    const file = join(bin, name);
    await writeFile(file, `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(' ')} "$@"\n`);
    await chmod(file, 0o755);
  }
  const env = { PATH: `${bin}:/usr/bin:/bin`, CURL_CA_BUNDLE: caFile };
  // nc says what it found on stderr.
  return (commands) => runProgram(['sh', '-e', '-c', `exec 2>&1\n${commands}`], { env });
}
