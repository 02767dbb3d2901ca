import { expect, test } from 'vitest';
import { brokenLinks, errorDocs, lockGaps, longFiles, registryHosts, settingDocs, skippedTests } from './checks.ts';

const one = (path: string, text: string) => new Map([[path, text]]);

test('a file over 400 lines is found; one that lifts the rule, a fixture or data is not', () => {
  const long = 'x\n'.repeat(401);

  expect(longFiles(one('a.ts', long))).toEqual(['a.ts has 401 lines, over 400: give its second subject a file']);
  expect(longFiles(one('a.ts', 'x\n'.repeat(400)))).toEqual([]);
  expect(longFiles(one('a/fixtures/b.ts', long))).toEqual([]);
  expect(longFiles(one('a.json', long))).toEqual([]);
  expect(longFiles(one('a.ts', `// biome-ignore lint/style/noExcessiveLinesPerFile: a table\n${long}`))).toEqual([]);
});

// Written in pieces, so that these lines are not found themselves.
test.each(['test.' + 'skip', 'describe.' + 'only', 'it.' + 'todo', 'test.' + 'skipIf', 'xit'])(
  '%s is found',
  (call) => {
    expect(skippedTests(one('a.test.ts', `\n${call}('x', () => {})`))).toEqual([
      'a.test.ts:2 holds a test that does not run',
    ]);
  },
);

test('a test that runs is fine, and so is the word elsewhere', () => {
  expect(skippedTests(one('a.test.ts', "test('skip', () => {})"))).toEqual([]);
});

test('a link to nothing is found; anchors, the web and code are left alone', () => {
  const files = new Map([
    [
      'docs/a.md',
      '[b](b.md#x) [up](../README.md) [gone](gone.md) [web](https://x.org/y.md) [here](#y) `[c](d.md)` [dir](sub/)',
    ],
    ['docs/b.md', ''],
    ['docs/sub/c.md', '[up](../a.md)'],
    ['README.md', '[a](docs/a.md)'],
  ]);

  expect(brokenLinks(files)).toEqual(['docs/a.md links to gone.md, which is not there']);
});

test('errors are compared both ways', () => {
  expect(errorDocs(['a', 'b'], '### `b`\n### `c`\n### `b`\n')).toEqual([
    'a of the table of core/errors.ts is missing in docs/errors.md',
    'c of docs/errors.md is not in the table of core/errors.ts',
    'b stands twice in docs/errors.md',
  ]);
});

test('settings are compared both ways, in the document and in the example', () => {
  expect(settingDocs(['PORT', 'HOST'], '| `PORT` | 1 |\n| `OLD` | |', '#PORT=1\nHOST=x\nNEW=1\n')).toEqual([
    'HOST of config/settings.ts is missing in docs/configuration.md',
    'OLD of docs/configuration.md is not in config/settings.ts',
    'NEW of docker/assistant-api/.assistant.env.example is not in config/settings.ts',
  ]);
});

test('a platform package without an entry in the lock is found', () => {
  const packages = {
    '': {},
    'node_modules/a': { optionalDependencies: { 'a-linux': '1', 'a-mac': '1' } },
    'node_modules/b/node_modules/a-linux': {},
  };

  expect(lockGaps({ packages })).toEqual(['package-lock.json: node_modules/a wants a-mac, which has no entry']);
});

test('the address of a registry is found in files and in the lock', () => {
  const host = `https://regis${'try'}.example.com/`;

  expect(
    registryHosts(one('.npmrc', `x=1\nregis${'try'}=${host}`), {
      packages: { 'node_modules/a': { resolved: `${host}a.tgz` } },
    }),
  ).toEqual(['.npmrc:2 names a package registry', 'package-lock.json: node_modules/a names where it was fetched from']);
  expect(registryHosts(one('a.md', 'the npm registry'), { packages: { server: { resolved: 'server' } } })).toEqual([]);
});
