import { access } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram, tryProgram } from '../run-program.ts';

/** A package that Debian does not offer today: the suite that needs it fails with this message. */
export class DebianPackageMissing extends Error {
  override readonly name = 'DebianPackageMissing';
}

export const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const DEFAULT_MIRROR = 'http://deb.debian.org/debian';

/** The mirror this machine's own apt uses for Debian; on another system, Debian's own. */
export async function debianMirror(): Promise<string> {
  const query = ['apt-get', 'indextargets', '--format', '$(SITE)|$(ORIGIN)', 'Created-By: Packages'];
  const { stdout } = await tryProgram(query);
  const targets = stdout.split('\n').map((line) => line.split('|'));
  const known = targets.find(([, origin]) => origin === 'Debian');
  const likely = targets.find(([site]) => site?.endsWith('/debian'));
  return known?.[0] ?? likely?.[0] ?? DEFAULT_MIRROR;
}

/** @throws DebianPackageMissing on a machine without apt or without Debian's signing keys. */
export async function requireApt(): Promise<void> {
  for (const file of ['/usr/bin/apt-get', '/usr/bin/dpkg-deb', DEBIAN_KEYRING]) {
    await access(file).catch(() => {
      throw new DebianPackageMissing(
        `${file} is missing: this needs Debian or Ubuntu with the package debian-archive-keyring`,
      );
    });
  }
}

/** One at a time on this machine: suites that run beside each other may want packages in the same moment. */
const APT_GET = ['flock', '--timeout', '300', join(tmpdir(), 'assistant-api-apt.lock'), 'apt-get', '-qq'];

/** Installs packages on this system. Needs root; fetches the lists first when there are none. */
export async function aptInstall(packages: readonly string[]): Promise<void> {
  if (!(await hasLists())) await runProgram([...APT_GET, 'update']);
  const install = [...APT_GET, '-y', '--no-install-recommends', 'install', ...packages];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  let { exitCode, stderr } = await tryProgram(install, { env });
  if (exitCode !== 0) {
    // The lists may be older than the mirror.
    await runProgram([...APT_GET, 'update']);
    ({ exitCode, stderr } = await tryProgram(install, { env }));
  }
  if (exitCode !== 0) {
    throw new DebianPackageMissing(`Debian does not give ${packages.join(', ')} today: ${stderr.trim().slice(-400)}`);
  }
}

async function hasLists(): Promise<boolean> {
  const { stdout } = await tryProgram(['apt-cache', 'policy']);
  return stdout.includes('Packages');
}
