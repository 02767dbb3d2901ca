import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { aptInstall, requireApt } from './debian/apt.ts';
import { privateRoot } from './debian/private-root.ts';

/** A program of Debian and how to start it: the command's first words. */
export type DebianProgram = { readonly command: readonly string[]; readonly sharedFiles: string };

/**
 * Brings a program of a Debian package: the one already installed, else installed now (as root), else unpacked into a
 * private folder. A suite that needs it fails by name when Debian does not offer it; it never passes in silence.
 * @throws DebianPackageMissing
 */
export async function debianProgram(program: string, debianPackage: string): Promise<DebianProgram> {
  const installed = findOnPath(program);
  if (installed) return { command: [installed], sharedFiles: '/usr' };
  await requireApt();
  if (process.getuid?.() === 0) {
    await aptInstall([debianPackage]);
    const file = findOnPath(program);
    if (file) return { command: [file], sharedFiles: '/usr' };
  }
  const root = await privateRoot(systemSuite(), [debianPackage]);
  return { command: root.command(program), sharedFiles: join(root.path, 'usr') };
}

function findOnPath(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/bin', '/usr/bin', '/usr/sbin'];
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
}

/** The suite of this Debian; on another system the stable one of these programs. */
function systemSuite(): string {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const isDebian = /^ID=debian$/m.test(release);
  return (isDebian && /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1]) || 'bookworm';
}
