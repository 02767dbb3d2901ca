const src = '^server/src/';

/** A room and the only other rooms it may import. A new room is one line here. */
const rooms = {
  core: [],
  protocols: [],
  audio: ['core'],
  config: ['core'],
  observability: ['core'],
  runtime: ['core'],
  native: [],
  media: ['core', 'audio', 'protocols', 'native'],
  inference: ['core', 'audio'],
  conversation: ['core', 'audio'],
  calls: ['core', 'conversation'],
  channels: ['core', 'audio', 'protocols', 'media'],
  providers: ['core', 'audio'],
  storage: ['core'],
  vault: ['core'],
  bus: ['core'],
  jobs: ['core'],
  management: ['core'],
  http: ['core', 'calls', 'management', 'native'],
  composition: ['core', 'calls', 'channels', 'management', 'conversation', 'http', 'providers', 'storage', 'vault'],
  cli: ['core', 'config', 'management', 'channels', 'storage', 'vault', 'bus', 'providers', 'runtime'],
};

const wall = ([room, allowed]) => ({
  name: `${room}-imports-only-${allowed.join('-') || 'itself'}`,
  severity: 'error',
  from: { path: `${src}${room}/`, pathNot: '\\.test\\.ts$' },
  to: { path: src, pathNot: `${src}(${[room, ...allowed].join('|')})/` },
});

export default {
  forbidden: [
    ...Object.entries(rooms).map(wall),
    {
      name: 'rooms-are-declared-here',
      severity: 'error',
      from: {},
      to: { path: `${src}[^/]+/`, pathNot: `${src}(${Object.keys(rooms).join('|')})/` },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: src, pathNot: '\\.(test|d)\\.ts$' },
      to: {},
    },
    {
      name: 'one-channel-never-imports-another',
      severity: 'error',
      from: { path: `${src}(channels|providers)/([^/]+)/.+` },
      to: { path: `${src}$1/[^/]+/.+`, pathNot: `${src}$1/$2/` },
    },
    {
      name: 'core-and-conversation-do-no-io',
      severity: 'error',
      from: { path: `${src}(core|conversation|audio)/`, pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer'] },
    },
    {
      name: 'nobody-imports-the-composition-root',
      severity: 'error',
      from: { path: src, pathNot: `${src}main\\.ts$|\\.test\\.ts$` },
      to: { path: `${src}(main|server)\\.ts$` },
    },
    {
      name: 'ports-are-types-only',
      severity: 'error',
      from: { pathNot: '\\.test\\.ts$' },
      to: { path: `${src}core/ports/`, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'other-workspaces-use-the-package-name',
      severity: 'error',
      from: { path: '^(peers|bench)/' },
      to: { path: '^server/src', dependencyTypes: ['local'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
