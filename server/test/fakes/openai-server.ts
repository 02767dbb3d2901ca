import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readWav, wavHeader } from '@assistant/server/audio/wav';
import type { AudioFrame } from '@assistant/server/core/audio-frame';

/** How the next requests go wrong; `ok` is how they do not. */
export type OpenAiFailure =
  | 'ok'
  /** 401 with the vendor's words, which repeat a part of the key. */
  | 'unauthorized'
  /** 429 with Retry-After: 7. */
  | 'rate-limited'
  | 'server-error'
  /** The request is taken and nothing comes back. */
  | 'stalled'
  /** The first part comes, then nothing. */
  | 'stalled-midway'
  /** The connection breaks after the first part. */
  | 'cut'
  /** 200 and nonsense. */
  | 'garbage'
  /** 200 and nothing. */
  | 'empty';

export type OpenAiServerOptions = {
  readonly host?: string;
  readonly port?: number;
  /** The key that is asked for; none: any is taken. */
  readonly apiKey?: string;
  /** From the request to the first part of an answer. */
  readonly firstPartMs?: number;
  /** Between two parts. */
  readonly partMs?: number;
  /** Requests that name one of these models go wrong, whatever becomes of the others. */
  readonly failures?: Readonly<Record<string, OpenAiFailure>>;
  /** What the model says, or the tool it calls. */
  readonly reply?: (messages: readonly ChatMessage[]) => string | ToolCall;
  readonly transcribe?: (audio: AudioFrame) => string;
  readonly voices?: readonly string[];
  /** How a text sounds, at FAKE_SPEECH_RATE; a square wave when left out. */
  readonly speak?: (text: string) => Int16Array;
  /** What `/audio/speech` sends. `odd` is pcm cut in the middle of samples. */
  readonly speechFormat?: 'pcm' | 'odd' | 'wav' | 'mp3';
};

export type ChatMessage = { readonly role: string; readonly content: unknown };
/** `say` comes before the call. */
export type ToolCall = { readonly tool: string; readonly args: string; readonly say?: string };

/** A request as it came in; `body` is the JSON, or the form's fields for a transcription. */
export type SeenRequest = {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
  /** The whole answer was sent. */
  isComplete: boolean;
  /** The client went away before the answer was complete. */
  isAbandoned: boolean;
};

/** Speech of the fake: 24 kHz, 60 ms a letter, a square wave. */
export const FAKE_SPEECH_RATE = 24_000;
const SAMPLES_PER_LETTER = 1_440;
const LEVEL = 4_000;
const HALF_WAVE_SAMPLES = 60;

/** A loopback stand-in for an OpenAI-compatible server: chat completions with tool calls, speech and transcriptions, streamed
 *  with stated latencies and failing when told to. */
export class FakeOpenAiServer implements AsyncDisposable {
  failure: OpenAiFailure = 'ok';
  readonly requests: SeenRequest[] = [];
  readonly #options: OpenAiServerOptions;
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });

  constructor(options: OpenAiServerOptions = {}) {
    this.#options = options;
  }

  /** @returns the base URL, ending in /v1. */
  async listen(): Promise<string> {
    this.#server.listen(this.#options.port ?? 0, this.#options.host ?? '127.0.0.1');
    await once(this.#server, 'listening');
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address}:${port}/v1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').replace(/^\/v1/, '');
    const { authorization } = request.headers;
    const chunks: Buffer[] = await request.toArray();
    const bytes = Buffer.concat(chunks);
    const form = path === '/audio/transcriptions' ? await readForm(request, bytes) : null;
    const body = (form ? Object.fromEntries(form) : JSON.parse(bytes.toString() || '{}')) as SeenRequest['body'];
    const seen: SeenRequest = { path, authorization, body, isComplete: false, isAbandoned: false };
    this.requests.push(seen);
    response.on('close', () => {
      seen.isComplete = response.writableFinished;
      seen.isAbandoned = !response.writableFinished;
    });
    const failure = this.#options.failures?.[String(body['model'])] ?? this.failure;
    if (this.#refuse(failure, authorization, response)) return;
    if (failure === 'stalled') return;
    await wait(this.#options.firstPartMs ?? 0);
    if (failure === 'empty') return void response.writeHead(200).end();
    if (path === '/chat/completions') return this.#chat(failure, body, response);
    if (path === '/audio/speech') return this.#speech(failure, body, response);
    if (form) return this.#transcription(failure, form, response);
    return sendError(response, 404, `Unknown path ${path}`);
  }

  #refuse(failure: OpenAiFailure, authorization: string | undefined, response: ServerResponse): boolean {
    const { apiKey } = this.#options;
    if (failure === 'unauthorized' || (apiKey !== undefined && authorization !== `Bearer ${apiKey}`)) {
      const key = authorization?.replace('Bearer ', '') ?? '(none)';
      sendError(response, 401, `Incorrect API key provided: ${key}. You can find your API key in the settings.`);
      return true;
    }
    if (failure === 'rate-limited') {
      response.setHeader('retry-after', '7');
      sendError(response, 429, 'Rate limit reached for requests');
      return true;
    }
    if (failure === 'server-error') {
      sendError(response, 500, 'The server had an error while processing your request');
      return true;
    }
    return false;
  }

  async #chat(failure: OpenAiFailure, body: SeenRequest['body'], response: ServerResponse): Promise<void> {
    const messages = body['messages'] as readonly ChatMessage[];
    const reply = (this.#options.reply ?? echo)(messages);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (failure === 'garbage') return void response.end('data: {"choices": [{"del\n\ndata: <html>\n\n');
    const said = typeof reply === 'string' ? reply : (reply.say ?? '');
    const words = (said.match(/\s*\S+/g) ?? []).map((content) => ({ content }));
    const deltas = typeof reply === 'string' ? words : [...words, ...callDeltas(reply, this.requests.length)];
    const finish = typeof reply === 'string' ? 'stop' : 'tool_calls';
    const events = [
      ...deltas.map((delta) => event({ delta, finish_reason: null })),
      event({ delta: {}, finish_reason: finish }),
      'data: [DONE]\n\n',
    ];
    await this.#sendParts(
      failure,
      events.map((text) => Buffer.from(text)),
      response,
    );
  }

  async #speech(failure: OpenAiFailure, body: SeenRequest['body'], response: ServerResponse): Promise<void> {
    const { voices, speechFormat = 'pcm' } = this.#options;
    const voice = String(body['voice']);
    if (voices && !voices.includes(voice)) return sendError(response, 400, `Unknown voice ${voice}`);
    if (failure === 'garbage') {
      response.writeHead(200, { 'content-type': 'text/html' });
      return void response.end('<html>A login page</html>');
    }
    const text = String(body['input']);
    const spoken = this.#options.speak?.(text);
    const audio = spoken
      ? Buffer.from(spoken.buffer, spoken.byteOffset, spoken.byteLength)
      : squareWave(text.length * SAMPLES_PER_LETTER);
    const types = { pcm: 'audio/pcm', odd: 'audio/pcm', wav: 'audio/wav', mp3: 'audio/mpeg' } as const;
    response.writeHead(200, { 'content-type': types[speechFormat] });
    // A stream's size is not known when its header is sent: 0xffffffff, as vendors do.
    const whole = speechFormat === 'wav' ? Buffer.concat([wavHeader(FAKE_SPEECH_RATE, 0xffffffff - 36), audio]) : audio;
    await this.#sendParts(failure, cut(whole, speechFormat === 'pcm' ? 9_600 : 9_601), response);
  }

  async #transcription(failure: OpenAiFailure, form: FormData, response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'application/json' });
    if (failure === 'garbage') return void response.end('{"text": 42}');
    const file = form.get('file') as File;
    const audio = readWav(new Uint8Array(await file.arrayBuffer()));
    const text = this.#options.transcribe?.(audio) ?? 'hello';
    await this.#sendParts(failure, [Buffer.from('{"text":'), Buffer.from(`${JSON.stringify(text)}}`)], response);
  }

  async #sendParts(failure: OpenAiFailure, parts: readonly Buffer[], response: ServerResponse): Promise<void> {
    for (const [index, part] of parts.entries()) {
      if (response.destroyed) return;
      if (index > 0) await wait(this.#options.partMs ?? 0);
      await new Promise<void>((resolve) => response.write(part, () => resolve()));
      if (failure === 'cut') return void response.destroy();
      if (failure === 'stalled-midway') return;
    }
    response.end();
  }
}

function echo(messages: readonly ChatMessage[]): string {
  const last = messages.at(-1)?.content;
  return `You said: ${typeof last === 'string' ? last : JSON.stringify(last)}.`;
}

/** A tool call in pieces, as vendors stream it: its name first, then the arguments cut anywhere. */
function callDeltas(call: ToolCall, count: number): object[] {
  const middle = Math.ceil(call.args.length / 2);
  const piece = (fields: object) => ({ tool_calls: [{ index: 0, ...fields }] });
  return [
    piece({ id: `call_${count}`, type: 'function', function: { name: call.tool, arguments: '' } }),
    piece({ function: { arguments: call.args.slice(0, middle) } }),
    piece({ function: { arguments: call.args.slice(middle) } }),
  ];
}

function event(choice: object): string {
  const chunk = {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 0,
    model: 'fake',
    choices: [{ index: 0, ...choice }],
  };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

function squareWave(samples: number): Buffer {
  const audio = Buffer.alloc(samples * 2);
  for (let index = 0; index < samples; index++) {
    audio.writeInt16LE(Math.floor(index / HALF_WAVE_SAMPLES) % 2 === 0 ? LEVEL : -LEVEL, index * 2);
  }
  return audio;
}

function cut(bytes: Buffer, size: number): Buffer[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

function readForm(request: IncomingMessage, bytes: Uint8Array<ArrayBuffer>): Promise<FormData> {
  return new Response(bytes, { headers: { 'content-type': request.headers['content-type'] ?? '' } }).formData();
}

function sendError(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { message, type: 'invalid_request_error', code: null } }));
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8089' },
      'first-part-ms': { type: 'string', default: '200' },
      'part-ms': { type: 'string', default: '20' },
    },
  });
  const server = new FakeOpenAiServer({
    port: Number(values.port),
    firstPartMs: Number(values['first-part-ms']),
    partMs: Number(values['part-ms']),
  });
  console.log(`OPENAI_BASE_URL=${await server.listen()}`);
}
