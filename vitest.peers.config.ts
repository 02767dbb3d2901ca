import { defineConfig } from 'vitest/config';

/** The suites that meet real peers: Asterisk, SIPp, baresip, pocketsphinx. One at a time: they share ports and cores. */
export default defineConfig({
  test: {
    include: ['{server,peers,bench}/**/*.peers.test.ts'],
    exclude: ['**/node_modules/**'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 240_000,
    setupFiles: ['server/test/setup/loopback-only.ts'],
    globalSetup: ['server/test/postgres/global-setup.ts'],
  },
});
