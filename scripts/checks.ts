/** Text of files by path relative to the repository root. */
export type Files = ReadonlyMap<string, string>;

const MOST_LINES = 400;
const COUNTED = /\.(ts|tsx|mjs|js|css|md)$/;
const LIFTED = 'lint/style/noExcessiveLinesPerFile';

/** Files too long to be read in one go; code may lift the rule where it says why. */
export function longFiles(files: Files): string[] {
  return [...files]
    .filter(([path, text]) => COUNTED.test(path) && !path.includes('/fixtures/') && !text.includes(LIFTED))
    .map(([path, text]) => [path, text.replace(/\n$/, '').split('\n').length] as const)
    .filter(([, lines]) => lines > MOST_LINES)
    .map(([path, lines]) => `${path} has ${lines} lines, over ${MOST_LINES}: give its second subject a file`);
}

const SKIPPED =
  /\b(test|it|describe|suite)\.(skip|todo|only|skipIf|runIf|fails)\b|^[ \t]*x(it|test|describe)\s*\(|^[ \t]*\/\/[ \t]*(test|it|describe)\(/m;

/** Tests that do not run. */
export function skippedTests(files: Files): string[] {
  return [...files]
    .filter(([path, text]) => /\.test\.tsx?$/.test(path) && SKIPPED.test(text))
    .map(([path, text]) => `${path}:${lineOf(text, SKIPPED)} holds a test that does not run`);
}

/** Links in Markdown to files that are not there. Directories count as there when a file lies below. */
export function brokenLinks(files: Files): string[] {
  const paths = [...files.keys()];
  const exists = (path: string) =>
    files.has(path) || paths.some((one) => one.startsWith(`${path.replace(/\/$/, '')}/`));
  return [...files]
    .filter(([path]) => path.endsWith('.md'))
    .flatMap(([path, text]) =>
      linkTargets(text)
        .filter((target) => !exists(resolvePath(path, target)))
        .map((target) => `${path} links to ${target}, which is not there`),
    );
}

/** Headings of docs/errors.md against the codes, both ways. */
export function errorDocs(codes: readonly string[], doc: string): string[] {
  const headings = Array.from(doc.matchAll(/^### `([a-z_]+)`$/gm), ([, code = '']) => code);
  return compare('the table of core/errors.ts', codes, 'docs/errors.md', headings);
}

/** Names of settings in docs/configuration.md and the example file against those the server reads, both ways. */
export function settingDocs(names: readonly string[], doc: string, example: string): string[] {
  const inDoc = Array.from(doc.matchAll(/^\| `([A-Z][A-Z0-9_]*)` \|/gm), ([, name = '']) => name);
  const inExample = Array.from(example.matchAll(/^#?([A-Z][A-Z0-9_]*)=/gm), ([, name = '']) => name);
  const known = 'config/settings.ts';
  return [
    ...compare(known, names, 'docs/configuration.md', inDoc),
    ...compare(known, names, 'docker/assistant-api/.assistant.env.example', inExample),
  ];
}

type Lock = {
  readonly packages: Readonly<
    Record<string, { readonly resolved?: string; readonly optionalDependencies?: Readonly<Record<string, string>> }>
  >;
};

/** Platform packages that one entry names and the lock lacks: `npm ci` on that platform would fail (EUSAGE). */
export function lockGaps({ packages }: Lock): string[] {
  const present = new Set(Object.keys(packages).map((path) => path.split('node_modules/').at(-1)));
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !present.has(name))
      .map((name) => `package-lock.json: ${path || 'the root'} wants ${name}, which has no entry`),
  );
}

// Split, so that this line does not find itself.
const REGISTRY = new RegExp(
  String.raw`https?://[^\s"'\x60]*\b(regis${'try'}|artifac${'tory'}|nex${'us'}|verdac${'cio'})[.:/-]`,
  'i',
);

/** Addresses of package registries: which one serves is the machine's business. */
export function registryHosts(files: Files, lock: Lock): string[] {
  const inFiles = [...files]
    .filter(([, text]) => REGISTRY.test(text))
    .map(([path, text]) => `${path}:${lineOf(text, REGISTRY)} names a package registry`);
  const inLock = Object.entries(lock.packages)
    .filter(([, { resolved = '' }]) => /^https?:/.test(resolved))
    .map(([path]) => `package-lock.json: ${path} names where it was fetched from`);
  return [...inFiles, ...inLock];
}

function compare(
  nameOfFirst: string,
  first: readonly string[],
  nameOfSecond: string,
  second: readonly string[],
): string[] {
  const twice = second.filter((one, index) => second.indexOf(one) !== index);
  return [
    ...first
      .filter((one) => !second.includes(one))
      .map((one) => `${one} of ${nameOfFirst} is missing in ${nameOfSecond}`),
    ...second.filter((one) => !first.includes(one)).map((one) => `${one} of ${nameOfSecond} is not in ${nameOfFirst}`),
    ...twice.map((one) => `${one} stands twice in ${nameOfSecond}`),
  ];
}

/** Relative targets, without their anchors; code blocks hold no links. */
function linkTargets(markdown: string): string[] {
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  return Array.from(prose.matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target)
    .filter((target) => !/^([a-z]+:|#|\/)/i.test(target))
    .map((target) => target.split('#')[0] ?? '');
}

function resolvePath(from: string, target: string): string {
  return new URL(target, `file:///${from}`).pathname.slice(1);
}

function lineOf(text: string, pattern: RegExp): number {
  const index = pattern.exec(text)?.index ?? 0;
  return text.slice(0, index).split('\n').length;
}
