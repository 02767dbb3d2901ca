export type StartupFacts = {
  readonly readyMs: number;
  readonly http: string;
  readonly audioSocket: string;
  /** Host and port, UDP and TCP. */
  readonly sip: string;
  readonly dataDir: string;
  readonly isDatabaseEmbedded: boolean;
  /** One line a speech or language engine: what is used, and what is missing. */
  readonly engines: readonly string[];
  readonly demo: { readonly assistantId: string; readonly newApiKey: string | null } | null;
  /** What dialplans are told; null where nothing is set, then this machine's name stands in. */
  readonly hosts: { readonly http: string | null; readonly audioSocket: string | null };
  readonly warnings: readonly string[];
};

/** What `npm start` prints once calls can come: where, how to call, and what to look after. */
export function startupText(facts: StartupFacts): string {
  return [
    `ready in ${facts.readyMs} ms`,
    '',
    `  HTTP         ${facts.http}   (readiness, metrics, calls)`,
    `  AudioSocket  ${facts.audioSocket}`,
    `  SIP          ${facts.sip}   (UDP and TCP)`,
    `  data         ${facts.dataDir}${facts.isDatabaseEmbedded ? ' (database and keyring: back them up apart)' : ' (keyring: back it up apart from the database)'}`,
    ...facts.engines.map((line) => `  ${line}`),
    ...facts.warnings.map((line) => `  note: ${line}`),
    ...(facts.demo ? demoText(facts, facts.demo) : []),
    '',
  ].join('\n');
}

function demoText(facts: StartupFacts, demo: NonNullable<StartupFacts['demo']>): readonly string[] {
  const key = demo.newApiKey ?? '<your API key>';
  return [
    '',
    `  demo assistant  ${demo.assistantId}`,
    demo.newApiKey
      ? `  API key         ${demo.newApiKey}   (shown this once; only its hash and an encrypted copy are kept)`
      : '  API key         shown at the first start; `npm start -- key create` makes another',
    '',
    'Call it from here, without a PBX:',
    `  npm run phone -- --assistant ${demo.assistantId} --key ${key} --say billing`,
    '',
    'Call it from a SIP phone (docs/channels/sip.md): user name, password and server',
    `  ${demo.assistantId}   ${key}   ${facts.hosts.http?.replace(/:\d+$/, '') ?? new URL(facts.http).hostname}:${facts.sip.split(':').at(-1)}`,
    '',
    'Call it from Asterisk (docs/channels/asterisk.md), extensions.conf:',
    ...dialplan(facts, demo.assistantId, key).map((line) => `  ${line}`),
  ];
}

function dialplan(facts: StartupFacts, assistantId: string, key: string): readonly string[] {
  const base = facts.hosts.http ? `https://${facts.hosts.http}` : facts.http;
  const audioHost = facts.hosts.audioSocket ?? new URL(facts.http).hostname;
  const url = `${base}/v1/talk/asterisk/call/${assistantId}?from=\${CALLERID(num)}&x-api-key=${key}`;
  return [
    '[rapida-inbound]',
    'exten => _X.,1,Answer()',
    ` same => n,Set(CTX=\${CURL(${url})})`,
    ' same => n,GotoIf($["${CTX}" = ""]?error)',
    ` same => n,AudioSocket(\${CTX},${audioHost}:${facts.audioSocket.split(':').at(-1)})`,
    ' same => n,Hangup()',
    ' same => n(error),Playback(an-error-has-occurred)',
    ' same => n,Hangup()',
  ];
}
