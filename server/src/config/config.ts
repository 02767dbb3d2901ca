import type { AssistantId } from '../core/ids.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How audio is sent and received: by the system's own calls, by Node's sockets, or the first where it works. */
export const MEDIA_IOS = ['auto', 'native', 'node'] as const;

/** Two PEM files, read when a listener opens. */
export type TlsFiles = { readonly certFile: string; readonly keyFile: string };

export type HttpConfig = {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls: TlsFiles | null;
  /** CIDR; whoever comes from here is believed in X-Forwarded-For. */
  readonly trustedProxies: readonly string[];
};

export type AudioSocketConfig = {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** What dialplans are told to connect to; null when neither it nor PUBLIC_ASSISTANT_HOST is set. */
  readonly publicHost: string | null;
};

export type SipConfig = {
  readonly host: string;
  /** UDP and TCP; 0: any free port. */
  readonly port: number;
  readonly tls: (TlsFiles & { readonly port: number }) | null;
  /** Advertised to peers outside `localNets`; null: the local address that routes to the peer. */
  readonly externalIp: string | null;
  /** CIDR */
  readonly localNets: readonly string[];
  /** First (even) and last port of RTP, both included; RTCP takes the odd ones. */
  readonly rtpPorts: { readonly start: number; readonly end: number };
};

export type DatabaseConfig =
  | { readonly type: 'embedded' }
  | {
      readonly type: 'external';
      /** Host, port and database name, without user and password. */
      readonly address: string;
      readonly maxConnections: number | null;
    };

/** Each null when unset: the provider knows what is usual. */
export type OpenAiConfig = {
  readonly baseUrl: string | null;
  readonly model: string | null;
  readonly speechToTextModel: string | null;
  readonly textToSpeechModel: string | null;
  readonly voice: string | null;
};

/** Everything that may be printed. Secrets are in `Secrets`. */
export type Config = {
  /** Host, perhaps with `:port`, that carriers reach us under over TLS; null when unset. */
  readonly publicHost: string | null;
  readonly http: HttpConfig;
  readonly audioSocket: AudioSocketConfig;
  readonly sip: SipConfig;
  readonly mediaIo: (typeof MEDIA_IOS)[number];
  readonly database: DatabaseConfig;
  /** Absolute. */
  readonly dataDir: string;
  readonly demo: { readonly assistantId: AssistantId | null };
  readonly openAi: OpenAiConfig;
  readonly logLevel: LogLevel;
  readonly shutdownGraceMs: number;
};
