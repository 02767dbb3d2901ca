import type { ContextId } from '../../../core/ids.ts';
import type { MediaEnd, MediaListener, MediaTransport } from '../../../core/ports/media-transport.ts';
import type { AgreedMedia } from '../../../protocols/sdp/agreed-media.ts';
import type { RtpCall, RtpMedia } from '../ports.ts';

/** RTP without sockets: keeps what was agreed on, and ends when told. */
export class ScriptedRtp implements RtpMedia {
  readonly codecs = ['PCMU', 'PCMA'] as const;
  readonly calls: ScriptedRtpCall[] = [];
  /** Thrown by the next `open`. */
  failure: Error | undefined;
  /** Ports are handed out only when this resolves. */
  gate: Promise<void> = Promise.resolve();

  async open({ closed }: { contextId: ContextId; closed: (end: MediaEnd) => void }): Promise<RtpCall> {
    await this.gate;
    if (this.failure) throw this.failure;
    const call = new ScriptedRtpCall(20_000 + 2 * this.calls.length, closed);
    this.calls.push(call);
    return call;
  }
}

export class ScriptedRtpCall implements RtpCall {
  readonly port: number;
  readonly agreed: AgreedMedia[] = [];
  readonly ends: MediaEnd[] = [];
  isDisposed = false;
  readonly #closed: (end: MediaEnd) => void;
  #listener: MediaListener | undefined;

  constructor(port: number, closed: (end: MediaEnd) => void) {
    this.port = port;
    this.#closed = closed;
  }

  start(agreed: AgreedMedia): MediaTransport {
    this.agreed.push(agreed);
    return {
      capabilities: {
        clock: 'local',
        maxLeadMs: 20,
        hasDtmfIn: true,
        hasDtmfOut: true,
        hasHold: true,
      },
      sampleRate: agreed.codec.sampleRate,
      listen: (listener) => {
        this.#listener = listener;
      },
      play: (frame) => frame.samples.length,
      endReply: () => {},
      pause: () => {},
      resume: () => {},
      clear: () => ({ heardSamples: 0, droppedSamples: 0 }),
      mark: () => {},
      position: () => ({ queued: 0, sent: 0, heard: 0 }),
      sendDigits: () => {},
      close: () => this.end({ type: 'closed_by_us' }),
    };
  }

  update(agreed: AgreedMedia): void {
    this.agreed.push(agreed);
  }

  /** A key that came as telephone-event. */
  press(digit: string): void {
    this.#listener?.digit(digit);
  }

  end(end: MediaEnd): void {
    if (this.ends.length > 0) return;
    this.ends.push(end);
    if (this.agreed.length === 0) return;
    this.#listener?.closed(end);
    this.#closed(end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
    this.end({ type: 'closed_by_us' });
  }
}
