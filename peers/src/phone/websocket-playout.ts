/** What Asterisk tells of its queue. */
export type PlayoutEvent =
  | { readonly type: 'mark'; readonly id: string }
  | { readonly type: 'MEDIA_XOFF' }
  | { readonly type: 'MEDIA_XON' }
  | { readonly type: 'QUEUE_DRAINED' };

/** Frames (channels/chan_websocket.c). */
const XON_LEVEL = 800;
const XOFF_LEVEL = 900;
const MOST_FRAMES = 1_000;

type Queued = { readonly frame: Buffer } | { readonly mark: string };

/**
 * The queue between an application and a chan_websocket channel: takes messages of whole frames, gives one frame a tick, and
 * obeys the commands about it as Asterisk 22 does.
 */
export class AsteriskPlayout {
  readonly #frameBytes: number;
  readonly #tell: (event: PlayoutEvent) => void;
  #queue: Queued[] = [];
  #frames = 0;
  #isPaused = false;
  #isFull = false;
  #wantsDrained = false;

  constructor(frameBytes: number, tell: (event: PlayoutEvent) => void) {
    this.#frameBytes = frameBytes;
    this.#tell = tell;
  }

  get queueLength(): number {
    return this.#frames;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Queues a message; what Asterisk would throw away is told, null when nothing. */
  push(message: Buffer): string | null {
    const tail = message.length % this.#frameBytes;
    if (tail > 0) return `a message of ${message.length} bytes: Asterisk throws ${tail} of them away`;
    if (this.#frames >= MOST_FRAMES) return 'audio into a full queue: Asterisk throws it away';
    for (let at = 0; at < message.length; at += this.#frameBytes) {
      this.#queue.push({ frame: message.subarray(at, at + this.#frameBytes) });
      this.#frames++;
    }
    if (!this.#isFull && this.#frames >= XOFF_LEVEL) {
      this.#isFull = true;
      this.#tell({ type: 'MEDIA_XOFF' });
    }
    return null;
  }

  /** The frame of this tick; null for silence. Marks are told on the tick after the frame they follow. */
  tick(): Buffer | null {
    if (this.#isPaused) return null;
    if (this.#isFull && this.#frames < XON_LEVEL) {
      this.#isFull = false;
      this.#tell({ type: 'MEDIA_XON' });
    }
    if (this.#queue.length === 0 && this.#wantsDrained) {
      this.#wantsDrained = false;
      this.#tell({ type: 'QUEUE_DRAINED' });
    }
    for (let entry = this.#queue.shift(); entry; entry = this.#queue.shift()) {
      if ('frame' in entry) {
        this.#frames--;
        return entry.frame;
      }
      this.#tell({ type: 'mark', id: entry.mark });
    }
    return null;
  }

  /** False for a command it does not know. */
  obey(command: string, id: string): boolean {
    switch (command) {
      case 'MARK_MEDIA':
        this.#queue.push({ mark: id });
        return true;
      case 'FLUSH_MEDIA':
        this.#queue = [];
        this.#frames = 0;
        return true;
      case 'PAUSE_MEDIA':
      case 'CONTINUE_MEDIA':
        this.#isPaused = command === 'PAUSE_MEDIA';
        return true;
      case 'REPORT_QUEUE_DRAINED':
        this.#wantsDrained = true;
        return true;
      case 'ANSWER':
        return true;
      default:
        return false;
    }
  }
}
