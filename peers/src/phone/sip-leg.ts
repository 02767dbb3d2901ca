import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { LegEnd, LegEvents, MediaLeg } from './media-leg.ts';
import { type RtpNetwork, RtpStream } from './rtp-stream.ts';
import {
  answerChallenge,
  header,
  printOffer,
  printSip,
  readAnswer,
  readSip,
  type SipLogin,
  type SipMessage,
} from './sip-text.ts';

const HOST = '127.0.0.1';
const ANSWER_TIMEOUT_MS = 10_000;
/** T1 of RFC 3261, 17.1.1.1. */
const RETRANSMIT_MS = 500;

export type SipTarget = {
  /** Where the INVITE goes. */
  readonly host: string;
  readonly port: number;
  /** The user part that is dialled. */
  readonly number: string;
  /** The user part of From. */
  readonly user: string;
  readonly displayName?: string;
  readonly login?: SipLogin;
};

/**
 * A SIP phone for one call over UDP (RFC 3261): INVITE, digest when asked, ACK, audio by RTP, BYE from either side. No more
 * than a test needs: no registration, no forking, no re-INVITE.
 */
export class SipLeg implements MediaLeg {
  readonly sampleRate = 8_000;
  readonly #target: SipTarget;
  readonly #socket: Socket = createSocket('udp4');
  readonly #rtp: RtpStream;
  readonly #callId = crypto.randomUUID();
  readonly #fromTag = crypto.randomUUID().slice(0, 8);
  readonly #answered = Promise.withResolvers<void>();
  #events: LegEvents | undefined;
  #offer = '';
  #sequence = 1;
  #branch = '';
  #to = '';
  #remoteUri = '';
  #hasLoggedIn = false;
  #isAnswered = false;
  #retransmit: NodeJS.Timeout | undefined;

  /** @param network what its audio goes through; signalling is never lost. */
  constructor(target: SipTarget, network?: RtpNetwork) {
    this.#target = target;
    this.#rtp = new RtpStream(network);
    this.#to = `<${this.#uri}>`;
    this.#remoteUri = this.#uri;
  }

  /** RTP packets that did not arrive. */
  get lostPackets(): number {
    return this.#rtp.lostPackets;
  }

  async open(events: LegEvents): Promise<void> {
    this.#events = events;
    const port = await this.#rtp.open(HOST, (samples, atMs) => this.#events?.audio(samples, atMs));
    this.#offer = printOffer(HOST, port);
    this.#socket.on('message', (datagram) => this.#read(datagram.toString('utf8')));
    this.#socket.bind(0, HOST);
    await once(this.#socket, 'listening');
    this.#invite([]);
    const { host, port: sipPort } = this.#target;
    const late = setTimeout(
      () =>
        this.#answered.reject(new Error(`nobody answered at sip:${host}:${sipPort} within ${ANSWER_TIMEOUT_MS} ms`)),
      ANSWER_TIMEOUT_MS,
    );
    try {
      await this.#answered.promise;
    } catch (error) {
      this.#events = undefined;
      this.#closeSockets();
      throw error;
    } finally {
      clearTimeout(late);
      clearInterval(this.#retransmit);
    }
  }

  sendAudio(samples: Int16Array): void {
    this.#rtp.sendAudio(samples);
  }

  sendKey(key: string, tick: number, isLast: boolean): void {
    this.#rtp.sendKey(key, tick, isLast);
  }

  hangUp(): void {
    if (!this.#events) return;
    this.#sequence++;
    this.#branch = newBranch();
    this.#send(this.#request('BYE', this.#remoteUri, []));
    this.#end({ by: 'us', how: 'hung up' });
  }

  abort(): void {
    this.#end({ by: 'us', how: 'went away without a BYE' });
  }

  get #uri(): string {
    return `sip:${this.#target.number}@${this.#target.host}:${this.#target.port}`;
  }

  #invite(extra: readonly (readonly [string, string])[]): void {
    this.#branch = newBranch();
    const contact = `<sip:${this.#target.user}@${HOST}:${this.#socket.address().port}>`;
    const headers = [['Contact', contact], ['Content-Type', 'application/sdp'], ...extra] as const;
    const text = this.#request('INVITE', this.#uri, headers, this.#offer);
    this.#send(text);
    clearInterval(this.#retransmit);
    this.#retransmit = setInterval(() => this.#send(text), RETRANSMIT_MS);
  }

  #request(method: string, uri: string, headers: readonly (readonly [string, string])[], body = ''): string {
    const { user, displayName } = this.#target;
    const from = `${displayName ? `"${displayName}" ` : ''}<sip:${user}@${HOST}>;tag=${this.#fromTag}`;
    const via = `SIP/2.0/UDP ${HOST}:${this.#socket.address().port};branch=${this.#branch};rport`;
    return printSip(
      `${method} ${uri} SIP/2.0`,
      [
        ['Via', via],
        ['Max-Forwards', '70'],
        ['From', from],
        ['To', this.#to],
        ['Call-ID', this.#callId],
        ['CSeq', `${this.#sequence} ${method}`],
        ...headers,
      ],
      body,
    );
  }

  #read(datagram: string): void {
    const message = readSip(datagram);
    const status = Number(/^SIP\/2\.0 (\d{3})/.exec(message.firstLine)?.[1] ?? 0);
    if (status === 0) this.#readRequest(message);
    else if (header(message, 'cseq').endsWith(' INVITE')) this.#readAnswer(status, message);
  }

  #readRequest(message: SipMessage): void {
    const method = message.firstLine.split(' ')[0];
    if (method === 'ACK') return;
    const isKnown = method === 'BYE' || method === 'OPTIONS' || method === 'CANCEL';
    this.#send(
      printSip(isKnown ? 'SIP/2.0 200 OK' : 'SIP/2.0 405 Method Not Allowed', [
        ...(message.headers.get('via') ?? []).map((via) => ['Via', via] as const),
        ...(['from', 'to', 'call-id', 'cseq'] as const).map((name) => [name, header(message, name)] as const),
      ]),
    );
    if (method === 'BYE') this.#end({ by: 'far end', how: 'hung up' });
  }

  #readAnswer(status: number, message: SipMessage): void {
    if (status < 200) {
      clearInterval(this.#retransmit);
      return;
    }
    if (status < 300) this.#accept(message);
    else this.#refused(status, message);
  }

  #accept(message: SipMessage): void {
    this.#to = header(message, 'to');
    this.#remoteUri = /<([^>]+)>/.exec(header(message, 'contact'))?.[1] ?? this.#uri;
    // The ACK of a 2xx is a request of its own (13.2.2.4), and is repeated for each repeated 200.
    this.#branch = newBranch();
    this.#send(this.#request('ACK', this.#remoteUri, []));
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    const audio = readAnswer(message.body);
    if (audio) this.#rtp.sendTo(audio.host, audio.port);
    this.#answered.resolve();
  }

  #refused(status: number, message: SipMessage): void {
    const to = this.#to;
    this.#to = header(message, 'to');
    // The ACK of a refusal belongs to the INVITE: same branch, same URI (17.1.1.3).
    this.#send(this.#request('ACK', this.#uri, []));
    const { login } = this.#target;
    const isChallenge = status === 401 || status === 407;
    if (!isChallenge || !login || this.#hasLoggedIn) {
      this.#answered.reject(new Error(`the call was refused: ${message.firstLine.slice('SIP/2.0 '.length)}`));
      return;
    }
    this.#hasLoggedIn = true;
    this.#to = to;
    this.#sequence++;
    const challenge = header(message, status === 401 ? 'www-authenticate' : 'proxy-authenticate');
    const answer = answerChallenge(challenge, login, 'INVITE', this.#uri);
    this.#invite([[status === 401 ? 'Authorization' : 'Proxy-Authorization', answer]]);
  }

  #send(text: string): void {
    this.#socket.send(text, this.#target.port, this.#target.host);
  }

  #end(end: LegEnd): void {
    const events = this.#events;
    if (!events) return;
    this.#events = undefined;
    // What was sent last still leaves: closing a UDP socket waits for nothing.
    setImmediate(() => this.#closeSockets());
    events.closed(end);
  }

  #closeSockets(): void {
    clearInterval(this.#retransmit);
    this.#rtp.close();
    this.#socket.close();
  }
}

/** RFC 3261, 8.1.1.7: the magic cookie, then anything unique. */
function newBranch(): string {
  return `z9hG4bK${crypto.randomUUID()}`;
}
