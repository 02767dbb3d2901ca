/** What a name holds, for the message of a mistake and for printing. */
export type Setting = {
  /** A value that is right: it ends every complaint about a wrong one. */
  readonly example: string;
  /** Never printed, not even in a complaint. */
  readonly isSecret?: true;
  /** May hold ` #`, so no comment is cut off what the process environment says. */
  readonly isFreeText?: true;
};

/** Every name the server reads. A new one is a line here, one in docs/configuration.md and one in .assistant.env.example. */
export const SETTINGS = {
  PUBLIC_ASSISTANT_HOST: { example: 'assistant.example.com' },
  HOST: { example: '0.0.0.0' },
  PORT: { example: '9007' },
  HTTP__TRUSTED_PROXIES: { example: '127.0.0.1/32,10.0.0.0/8' },
  TLS__CERT: { example: '/etc/assistant/tls/fullchain.pem' },
  TLS__KEY: { example: '/etc/assistant/tls/privkey.pem' },
  AUDIOSOCKET__HOST: { example: '0.0.0.0' },
  AUDIOSOCKET__PORT: { example: '4573' },
  AUDIOSOCKET__PUBLIC_HOST: { example: 'audio.example.com' },
  SIP__SERVER: { example: '0.0.0.0' },
  SIP__PORT: { example: '5090' },
  SIP__TLS_PORT: { example: '5091' },
  SIP__TLS_CERT: { example: '/etc/assistant/tls/fullchain.pem' },
  SIP__TLS_KEY: { example: '/etc/assistant/tls/privkey.pem' },
  SIP__EXTERNAL_IP: { example: '203.0.113.10' },
  SIP__LOCAL_NETS: { example: '10.0.0.0/8,192.168.0.0/16' },
  SIP__RTP_PORT_RANGE_START: { example: '10000' },
  SIP__RTP_PORT_RANGE_END: { example: '20000' },
  MEDIA__IO: { example: 'auto' },
  DATABASE_URL: { example: 'postgres://user:password@db.example.com:5432/assistant', isSecret: true },
  POSTGRES__HOST: { example: 'db.example.com' },
  POSTGRES__PORT: { example: '5432' },
  POSTGRES__DB_NAME: { example: 'assistant' },
  POSTGRES__AUTH__USER: { example: 'assistant' },
  POSTGRES__AUTH__PASSWORD: { example: 'a-password', isSecret: true, isFreeText: true },
  POSTGRES__MAX_OPEN_CONNECTION: { example: '20' },
  POSTGRES__SSL_MODE: { example: 'require' },
  DATA_DIR: { example: '/var/lib/assistant-api' },
  VAULT__KEYS: { example: '1:<32 bytes in base64>', isSecret: true },
  DEMO__ASSISTANT_ID: { example: '123456789' },
  DEMO__API_KEY: { example: 'rpd-<36 letters and digits, the last 6 a checksum>', isSecret: true },
  OPENAI_API_KEY: { example: 'sk-…', isSecret: true },
  OPENAI_BASE_URL: { example: 'https://api.openai.com/v1' },
  OPENAI_MODEL: { example: 'gpt-4.1-mini' },
  OPENAI_STT_MODEL: { example: 'gpt-4o-mini-transcribe' },
  OPENAI_TTS_MODEL: { example: 'gpt-4o-mini-tts' },
  OPENAI_TTS_VOICE: { example: 'alloy' },
  LOG_LEVEL: { example: 'info' },
  SHUTDOWN__GRACE: { example: '120' },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

/** Names that begin like this are meant for us, so one we do not know is a typing mistake. */
export const OWN_PREFIXES = [
  'PUBLIC_ASSISTANT_',
  'HTTP__',
  'TLS__',
  'AUDIOSOCKET__',
  'SIP__',
  'MEDIA__',
  'POSTGRES__',
  'VAULT__',
  'DEMO__',
  'SHUTDOWN__',
] as const;
