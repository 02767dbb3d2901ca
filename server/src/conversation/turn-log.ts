import type { CallTurn } from '../core/call/call-record.ts';
import type { InputTiming } from '../core/turn/turn-effect.ts';
import type { ConversationRecorder } from './conversation-recorder.ts';
import type { Stage } from './reply-timeline.ts';
import { ReplyTimeline } from './reply-timeline.ts';

type Data = Readonly<Record<string, string | number | boolean | null>>;

type OpenReply = { readonly timeline: ReplyTimeline | null; readonly askedAtMs: number; audibleAtMs: number | null };

/** Writes the turns and events of one conversation, with times counted from its start. */
export class TurnLog {
  readonly #recorder: ConversationRecorder;
  readonly #startMs: number;
  #nextIndex = 0;
  #reply: OpenReply | null = null;

  constructor(recorder: ConversationRecorder, startMs: number) {
    this.#recorder = recorder;
    this.#startMs = startMs;
  }

  event(type: string, clockMs: number, data?: Data): void {
    const atMs = this.#since(clockMs);
    this.#recorder.event(data === undefined ? { atMs, type } : { atMs, type, data });
  }

  digit(digit: string): void {
    this.#recorder.digit(digit);
  }

  /** The caller said or keyed something. */
  callerTurn(turn: { source: 'speech' | 'digits'; text: string; startedMs: number; endedMs: number }): void {
    this.#write({
      role: 'caller',
      startedAtMs: this.#since(turn.startedMs),
      endedAtMs: this.#since(turn.endedMs),
      text: turn.text,
      heardText: turn.text,
      wasInterrupted: false,
      source: turn.source,
      waterfall: null,
    });
  }

  /** A reply begins: to what the caller contributed, as the greeting, or unasked (`timing` undefined). */
  beginReply(clockMs: number, timing?: InputTiming | null): void {
    this.#reply = { timeline: timelineFor(timing, this.#startMs), askedAtMs: clockMs, audibleAtMs: null };
  }

  reach(stage: Stage, clockMs: number): void {
    this.#reply?.timeline?.reach(stage, clockMs);
    if (this.#reply && stage === 'firstFrameSentMs') this.#reply.audibleAtMs ??= clockMs;
  }

  /** A reply is over. One that never had a word leaves no turn. Returns the time from the caller's last sound to ours. */
  endReply(clockMs: number, told: { text: string; heardText: string; wasInterrupted: boolean }): number | null {
    const reply = this.#reply;
    this.#reply = null;
    if (!reply || told.text === '') return null;
    const waterfall = reply.timeline?.waterfall() ?? null;
    this.#write({
      role: 'assistant',
      startedAtMs: this.#since(reply.audibleAtMs ?? reply.askedAtMs),
      endedAtMs: this.#since(clockMs),
      ...told,
      source: 'speech',
      waterfall,
    });
    return waterfall?.firstFramePlayedMs ?? null;
  }

  #write(turn: Omit<CallTurn, 'index'>): void {
    this.#recorder.turn({ index: this.#nextIndex++, ...turn });
  }

  #since(clockMs: number): number {
    return Math.max(0, Math.round(clockMs - this.#startMs));
  }
}

function timelineFor(timing: InputTiming | null | undefined, startMs: number): ReplyTimeline | null {
  if (timing === undefined) return null;
  if (timing === null) return new ReplyTimeline(startMs);
  const timeline = new ReplyTimeline(timing.speechEndedMs);
  timeline.reach('endpointMs', timing.endpointMs);
  if (timing.recognisedMs !== null) timeline.reach('sttFinalMs', timing.recognisedMs);
  return timeline;
}
