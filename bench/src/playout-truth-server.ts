import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createExotel } from '@assistant/server/channels/exotel/exotel';
import { createTwilio } from '@assistant/server/channels/twilio/twilio';
import { createVonage } from '@assistant/server/channels/vonage/vonage';
import { startConversation } from '@assistant/server/conversation/conversation';
import { SentenceCache } from '@assistant/server/conversation/sentence-cache';
import type { ContextId } from '@assistant/server/core/ids';
import type { CallControl } from '@assistant/server/core/ports/channel';
import type { MediaSocket, SocketArrival } from '@assistant/server/core/ports/media-socket';
import type { SpeechToText } from '@assistant/server/core/ports/speech-to-text';
import { mediaSocket } from '@assistant/server/http/media-socket';
import { adoptUpgrades } from '@assistant/server/http/websocket/adopt-upgrades';
import { FrameOutbox } from '@assistant/server/http/websocket/frame-outbox';
import { systemClock } from '@assistant/server/runtime/system-clock';
import { type WebSocket, WebSocketServer } from 'ws';
import { CONTEXT, settingsWith } from '../../server/test/fakes/call-world.ts';
import { FakeBrain, says } from '../../server/test/fakes/fake-brain.ts';
import { RecordingLog, RecordingMetrics } from '../../server/test/fakes/recording-log.ts';
import { ScriptedVad } from '../../server/test/fakes/scripted-vad.ts';
import { ToneVoice } from '../../server/test/fakes/tone-voice.ts';
import { WatchedMedia } from './playout-truth-watch.ts';

export const CARRIERS = ['twilio', 'vonage', 'exotel'] as const;
export type Carrier = (typeof CARRIERS)[number];

const WORDS_IN_REPLY = 60;
const WORDS_IN_SENTENCE = 6;
const RECOGNISED_AFTER_MS = 30;
const MESSAGE_BYTES = 64 * 1024;

/** One call on the server's side: what it believes, and what its brain was told. */
export type ServerCall = {
  readonly brain: FakeBrain;
  readonly media: WatchedMedia;
  readonly log: RecordingLog;
  readonly metrics: RecordingMetrics;
  /** From the window that decided to the `clear` on the socket, ms. */
  readonly clearDelaysMs: readonly number[];
  /** Clears the kernel did not take at once. */
  readonly clearsBuffered: () => number;
};

/**
 * The server's side without a database: real WebSockets, the channels as they are, a real conversation on the real clock with a
 * voice of tones, level for voice detection and a recogniser that always hears "stop".
 */
export class TruthServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #outbox = new FrameOutbox();
  readonly #tellsWords: boolean;
  readonly #waiting = new Map<string, (call: ServerCall) => void>();

  private constructor(server: Server, tellsWords: boolean) {
    this.#server = server;
    this.#tellsWords = tellsWords;
    const { upgrades } = adoptUpgrades(server, { messageBytes: MESSAGE_BYTES });
    upgrades.on('upgrade', (request: IncomingMessage, connection: Socket, head: Buffer) =>
      this.#sockets.handleUpgrade(request, connection, head, (socket) => this.#accept(socket, connection, request)),
    );
  }

  static async listen(tellsWords: boolean): Promise<TruthServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return new TruthServer(server, tellsWords);
  }

  /** An address for one call of a carrier, and that call once its stream has begun. */
  expect(carrier: Carrier): { readonly url: string; readonly call: Promise<ServerCall> } {
    const { promise, resolve } = Promise.withResolvers<ServerCall>();
    const path = `/${carrier}/${this.#waiting.size}`;
    this.#waiting.set(path, resolve);
    return { url: `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`, call: promise };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: WebSocket, connection: Socket, request: IncomingMessage): void {
    const target = request.url ?? '/';
    const log = new RecordingLog();
    const metrics = new RecordingMetrics();
    const clears = new ClearWatch(mediaSocket({ socket, connection, outbox: this.#outbox }), socket);
    const arrival: SocketArrival = {
      contextId: CONTEXT.contextId as ContextId,
      socket: clears.socket,
      rawTarget: target,
      headers: {},
      remoteAddress: '127.0.0.1',
    };
    const control: CallControl = {
      attachMedia: async ({ media }) => {
        const watched = new WatchedMedia(media);
        const brain = new FakeBrain(systemClock, (_input, turn) => [says(replyText(turn))]);
        this.#waiting.get(target)?.({
          brain,
          media: watched,
          log,
          metrics,
          clearDelaysMs: clears.delaysMs,
          clearsBuffered: () => clears.buffered,
        });
        startConversation({
          context: CONTEXT,
          settings: settingsWith({ voicedThreshold: 0.5 }),
          media: watched,
          clock: systemClock,
          vad: new ScriptedVad({ script: (window) => clears.judge(window) }),
          speechToText: hearsStop(),
          textToSpeech: new ToneVoice(this.#tellsWords),
          brain,
          sentences: new SentenceCache(),
          recorder: { turn() {}, event() {}, digit() {} },
          log,
          metrics,
        });
      },
      endCall: async () => {},
    };
    const parts = { clock: systemClock, log, metrics };
    const open = { twilio: createTwilio, vonage: createVonage, exotel: createExotel };
    const carrier = CARRIERS.find((name) => target.startsWith(`/${name}`)) ?? 'twilio';
    open[carrier](parts).socket?.(arrival, control);
  }
}

/** r03w00 r03w01 …: a reply that outlasts every interruption, in sentences. */
function replyText(turn: number): string {
  const words = Array.from({ length: WORDS_IN_REPLY }, (_, index) => `r${two(turn)}w${two(index)}`);
  return words.map((word, index) => ((index + 1) % WORDS_IN_SENTENCE === 0 ? `${word}. ` : `${word} `)).join('');
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function hearsStop(): SpeechToText {
  return {
    name: 'stop',
    capabilities: { hasInterim: false, isGrammarOnly: false },
    open: (_options, listener) => {
      let current: Parameters<typeof listener.final>[0] | null = null;
      return {
        expect() {},
        begin: (id) => {
          current = id;
        },
        write() {},
        finish: () => {
          const id = current;
          if (id !== null) systemClock.after(RECOGNISED_AFTER_MS, () => listener.final(id, 'stop'));
        },
        cancel: () => {
          current = null;
        },
        close() {},
      };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

const VOICE_LEVEL = 1_000;

/** Takes the time from the window that makes it plain that somebody speaks to the `clear` on the socket. */
class ClearWatch {
  readonly socket: MediaSocket;
  readonly delaysMs: number[] = [];
  buffered = 0;
  #decidedMs = 0;

  constructor(socket: MediaSocket, raw: WebSocket) {
    const sendText = (message: string | Uint8Array) => {
      socket.sendText(message);
      if (typeof message !== 'string' || !/"(event|action)":"clear"/.test(message)) return;
      const decidedMs = this.#decidedMs;
      // What is sent in a turn of the event loop is written at its end, just before this runs.
      process.nextTick(() => {
        this.delaysMs.push(performance.now() - decidedMs);
        if (raw.bufferedAmount > 0) this.buffered++;
      });
    };
    this.socket = {
      listen: (listener) => socket.listen(listener),
      sendText,
      sendBinary: (message) => socket.sendBinary(message),
      get bufferedBytes() {
        return socket.bufferedBytes;
      },
      close: (code, reason) => socket.close(code, reason),
    };
  }

  /** Whatever is loud is voice. */
  judge(window: Int16Array): number {
    if (!window.some((sample) => Math.abs(sample) > VOICE_LEVEL)) return 0;
    this.#decidedMs = performance.now();
    return 1;
  }
}
