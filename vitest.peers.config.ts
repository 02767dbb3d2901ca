import { defineConfig } from 'vitest/config';

/**
 * The suites that meet real peers: Asterisk, SIPp, baresip, Kamailio, pocketsphinx. They mostly wait for people to speak, so two run
 * at once; each has ports and folders of its own.
 */
export default defineConfig({
  test: {
    include: ['{server,peers,bench}/**/*.peers.test.ts'],
    exclude: ['**/node_modules/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 240_000,
    setupFiles: ['server/test/setup/loopback-only.ts'],
    globalSetup: ['server/test/postgres/global-setup.ts'],
  },
});
