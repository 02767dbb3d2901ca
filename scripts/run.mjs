// Runs one TypeScript entry point of the project in this process: node scripts/run.mjs server/src/main.ts [arguments].
// In the same process, so that a signal sent to npm, to us or to the group meets one server and nothing in between.
import module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 3)) {
  console.error(
    `This is Node ${process.versions.node}, and Node 24.3 or newer is needed. \`npm ci\` brings it along on Linux and ` +
      'Windows (unless optional packages were omitted); elsewhere install Node 24 and run this again.',
  );
  process.exit(1);
}
module.enableCompileCache?.();
const [entry, ...rest] = process.argv.slice(2);
const file = join(import.meta.dirname, '..', entry);
process.argv = [process.argv[0], file, ...rest];
await import(pathToFileURL(file).href);
