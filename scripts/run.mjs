// Runs one TypeScript entry point of the project in this process: node scripts/run.mjs server/src/main.ts [arguments].
// In the same process, so that a signal sent to npm, to us or to the group meets one server and nothing in between.
import module from 'node:module';
import { tmpdir } from 'node:os';
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
// Stripped types are cached too. Worker threads and children learn of the cache by the environment: without it each thread
// loads a TypeScript parser of its own (measured: 50 MB of memory for two workers).
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'node-compile-cache');
module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
const [entry, ...rest] = process.argv.slice(2);
const file = join(import.meta.dirname, '..', entry);
process.argv = [process.argv[0], file, ...rest];
await import(pathToFileURL(file).href);
