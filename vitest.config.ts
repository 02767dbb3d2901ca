import { defineConfig } from 'vitest/config';

/** The suite that needs nothing but npm. Suites that need Debian's packages end in .peers.test.ts. */
export default defineConfig({
  test: {
    include: ['{server,peers,bench}/**/*.test.ts', 'scripts/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/*.peers.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    setupFiles: ['server/test/setup/loopback-only.ts'],
    globalSetup: ['server/test/postgres/global-setup.ts'],
  },
});
