import type { EndReason } from '../core/call/call.ts';
import { toAppError } from '../core/errors.ts';
import type { ReplyId } from '../core/ids.ts';
import type { BrainInput } from '../core/ports/brain.ts';
import type { TransferOutcome } from '../core/ports/call-transfer.ts';
import type { Timer } from '../core/ports/clock.ts';
import type { MediaEnd, MediaListener } from '../core/ports/media-transport.ts';
import { step } from '../core/turn/turn.ts';
import type { InputTiming, TurnEffect } from '../core/turn/turn-effect.ts';
import type { TimerName, TurnEvent } from '../core/turn/turn-event.ts';
import type { TurnState } from '../core/turn/turn-state.ts';
import { initialTurn } from '../core/turn/turn-state.ts';
import { CallTimers } from './call-timers.ts';
import { CANCELLED } from './cancelled.ts';
import type { ConversationParts, HandOver, TransferWish } from './conversation-parts.ts';
import type { EventBody } from './event-body.ts';
import type { HearingListener, SpeechSpan } from './hearing.ts';
import { Hearing } from './hearing.ts';
import { Replying } from './replying.ts';
import { TurnLog } from './turn-log.ts';

/** A conversation that runs. */
export interface Conversation {
  /** Ends it at once; idempotent. */
  end(reason: EndReason): void;
  /** Resolves once everything of it is closed, the media too. Never rejects. */
  readonly ended: Promise<EndReason>;
}

/**
 * Starts the conversation on a call whose media is there: greets, listens, answers, until one side ends it.
 * @throws AppError over_capacity when no voice detection slot is free, or what a provider's `open` throws; nothing is left
 * open then but the media.
 */
export function startConversation(parts: ConversationParts): Conversation {
  const conversation = new LiveConversation(parts);
  conversation.start();
  return conversation;
}

/** The media leg closes within this, or the conversation ends without waiting for it. */
const CLOSE_LIMIT_MS = 1_000;

/**
 * The interpreter of the turn machine: what happens becomes events, effects become deeds. Late results of a cancelled reply
 * are dropped by `#accept` and nowhere else.
 */
class LiveConversation implements Conversation {
  readonly ended: Promise<EndReason>;
  readonly #parts: ConversationParts;
  readonly #hearing: Hearing | null;
  readonly #replying: Replying;
  readonly #timers: CallTimers<TimerName>;
  readonly #turnLog: TurnLog;
  readonly #inbox: TurnEvent[] = [];
  #isStepping = false;
  #turn: TurnState;
  #mediaEnd: MediaEnd | null = null;
  #closeTimer: Timer | null = null;
  /** The transfer under way. */
  #handingOver: AbortController | null = null;
  #resolveEnded: (reason: EndReason) => void = () => {};

  constructor(parts: ConversationParts) {
    const { settings, clock, speechToText, vad } = parts;
    this.#parts = parts;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#turnLog = new TurnLog(parts.recorder, clock.nowMs());
    this.#timers = new CallTimers(clock, (name) => this.#happen({ type: 'timer', name }));
    const hasInterim = speechToText?.capabilities.hasInterim ?? false;
    const { errorSentence, turn } = settings;
    this.#turn = initialTurn({ ...turn, errorSentence, hasInterim, windowMs: vad.windowMs });
    this.#hearing = this.#openHearing();
    try {
      this.#replying = this.#openReplying();
    } catch (error) {
      this.#hearing?.close();
      throw error;
    }
  }

  start(): void {
    const { opening } = this.#parts;
    this.#happen({ type: 'started', ...(opening && { opening }) });
    this.#parts.media.listen(this.#mediaListener());
  }

  end(reason: EndReason): void {
    this.#happen({ type: 'ended', reason });
  }

  /** Whether results of this reply still count: only while the turn machine is at it. */
  #accept(replyId: ReplyId): boolean {
    const isCurrent = 'reply' in this.#turn && this.#turn.reply.id === replyId;
    if (!isCurrent) this.#parts.metrics.count('late_results_dropped_total');
    return isCurrent;
  }

  /** Events are stepped one after the other, also those that happen while effects are carried out. */
  #happen(event: EventBody<TurnEvent>): void {
    this.#inbox.push({ ...event, atMs: this.#now() } as TurnEvent);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#inbox.shift(); next; next = this.#inbox.shift()) this.#step(next);
    } catch (error) {
      this.#breakDown(error);
    } finally {
      this.#isStepping = false;
    }
  }

  #step(event: TurnEvent): void {
    const [next, effects] = step(this.#turn, event);
    this.#turn = next;
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: TurnEffect): void {
    switch (effect.type) {
      case 'start_timer':
        this.#timers.start(effect.name, effect.delayMs);
        break;
      case 'cancel_timer':
        this.#timers.cancel(effect.name);
        break;
      case 'begin_utterance':
        this.#hearing?.begin(effect.utteranceId, effect.fromMs);
        break;
      case 'finish_utterance':
        this.#hearing?.finish(effect.utteranceId, effect.speechEndedMs);
        break;
      case 'cancel_utterance':
        this.#hearing?.cancel(effect.utteranceId);
        break;
      case 'ask':
        this.#ask(effect.replyId, effect.input, effect.timing);
        break;
      case 'say':
        this.#replying.say(effect.replyId, effect.text);
        break;
      case 'pause_playout':
        this.#replying.speaking.pause();
        break;
      case 'resume_playout':
        this.#replying.speaking.resume();
        break;
      case 'cancel_reply':
        this.#replying.cancel(effect.replyId);
        break;
      case 'settle_reply':
        this.#replying.settle();
        break;
      case 'transfer':
        this.#transfer(effect);
        break;
      case 'abort_transfer':
        this.#handingOver?.abort(CANCELLED);
        break;
      case 'note':
        this.#turnLog.event(effect.name, this.#now(), effect.data);
        break;
      case 'end':
        this.#close(effect.reason);
        break;
    }
  }

  #ask(replyId: ReplyId, input: BrainInput, timing: InputTiming | null): void {
    // Keys that are asked about again have their turn in the record already.
    if (input.type === 'digits' && timing?.recognisedMs === null) {
      const span = { startedMs: timing.speechEndedMs, endedMs: timing.endpointMs };
      this.#callerTurn('digits', input.digits, span);
    }
    this.#replying.ask(replyId, input, timing);
  }

  #callerTurn(source: 'speech' | 'digits', text: string, span: SpeechSpan): void {
    this.#replying.settleCancelled();
    this.#turnLog.callerTurn({ source, text, ...span });
  }

  #transfer({ to, bookmark }: TransferWish): void {
    const { transfer } = this.#parts;
    if (!transfer) {
      this.#happen({ type: 'transfer_failed', reason: 'unreachable' });
      return;
    }
    this.#hold();
    const handingOver = new AbortController();
    this.#handingOver = handingOver;
    const note: Parameters<HandOver>[2] = (type, data) => this.#turnLog.event(type, this.#now(), data);
    transfer({ to, bookmark }, handingOver.signal, note).then(
      (outcome) => this.#transferOver(outcome),
      (error: unknown) => {
        this.#partFailed('transfer', error);
        this.#transferOver({ type: 'failed', reason: 'unreachable', detail: 'it broke' });
      },
    );
  }

  #hold(): void {
    const { holdMusic, media } = this.#parts;
    if (holdMusic) this.#replying.speaking.hold(holdMusic.loop(media.sampleRate));
  }

  #transferOver(outcome: TransferOutcome): void {
    // From now on an abort would take back what has happened.
    this.#handingOver = null;
    this.#replying.speaking.endHold();
    if (outcome.type === 'failed') this.#happen({ type: 'transfer_failed', reason: outcome.reason });
    else this.#happen({ type: 'transferred' });
  }

  #close(reason: EndReason): void {
    this.#timers.cancelAll();
    this.#handingOver?.abort(CANCELLED);
    this.#replying.close();
    this.#hearing?.close();
    this.#turnLog.event('ended', this.#now(), { reason });
    if (this.#mediaEnd !== null) {
      this.#resolveEnded(reason);
      return;
    }
    this.#closeTimer = this.#parts.clock.after(CLOSE_LIMIT_MS, () => this.#resolveEnded(reason));
    this.#parts.media.close();
  }

  /** A fault of our own: the call ends, the process does not. */
  #breakDown(error: unknown): void {
    this.#parts.log.error('conversation.failed', { contextId: this.#parts.context.contextId }, error);
    this.#inbox.length = 0;
    const reason = this.#turn.name === 'ended' ? this.#turn.reason : 'error';
    this.#turn = { name: 'ended', memory: this.#turn.memory, reason };
    try {
      this.#close(reason);
    } catch {
      this.#parts.media.close();
      this.#resolveEnded(reason);
    }
  }

  #openHearing(): Hearing | null {
    const { vad, speechToText, settings, media } = this.#parts;
    if (speechToText === null) return null;
    const { language } = settings;
    return new Hearing({
      vad,
      speechToText,
      language,
      sampleRate: media.sampleRate,
      listener: this.#hearingListener(),
    });
  }

  #openReplying(): Replying {
    const { brain, context, settings, media, speechToText, transfer, earlier } = this.#parts;
    const session = brain.open({
      context,
      settings,
      capabilities: media.capabilities,
      hasTransfer: transfer !== undefined,
      ...(earlier && { earlier }),
      isGrammarOnly: speechToText?.capabilities.isGrammarOnly ?? false,
      hasSpeechInput: speechToText !== null,
    });
    return new Replying({
      call: this.#parts,
      session,
      turnLog: this.#turnLog,
      accept: (replyId) => this.#accept(replyId),
      happen: (event) => this.#happen(event),
      expect: (phrases) => this.#hearing?.expect(phrases),
    });
  }

  #hearingListener(): HearingListener {
    return {
      window: ({ probability, levelDb, endMs }) => this.#happen({ type: 'voice_window', probability, levelDb, endMs }),
      restarted: () => this.#turnLog.event('voice_detection_restarted', this.#now()),
      interim: (utteranceId, text) => this.#happen({ type: 'interim', utteranceId, text }),
      recognised: (utteranceId, text, span) => {
        if (text !== '') this.#callerTurn('speech', text, span);
        this.#happen({ type: 'recognised', utteranceId, text });
      },
      failed: (utteranceId, error) => {
        this.#partFailed('recogniser', error);
        this.#happen({ type: 'recognition_failed', utteranceId });
      },
    };
  }

  #mediaListener(): MediaListener {
    const { speaking } = this.#replying;
    return {
      audio: (view, clockMs) => {
        if (this.#turn.name !== 'ended') this.#hearing?.audio(view, clockMs);
      },
      digit: (digit) => {
        if (this.#turn.name === 'ended') return;
        this.#turnLog.digit(digit);
        this.#happen({ type: 'digit', digit });
      },
      played: (mark) => speaking.played(mark),
      cleared: (cleared) => speaking.cleared(cleared),
      writable: () => speaking.writable(),
      unheard: (fromSample, toSample) => {
        speaking.unheard(fromSample, toSample);
        this.#turnLog.event('playout_stalled', this.#now(), { samples: toSample - fromSample });
      },
      held: (isHeld) => {
        this.#turnLog.event(isHeld ? 'held' : 'unheld', this.#now());
        this.#happen({ type: 'held', isHeld });
      },
      closed: (end, figures) => {
        if (figures) this.#turnLog.event('media_figures', this.#now(), figures);
        this.#mediaClosed(end);
      },
    };
  }

  #mediaClosed(end: MediaEnd): void {
    this.#mediaEnd = end;
    this.#closeTimer?.cancel();
    if (this.#turn.name === 'ended') this.#resolveEnded(this.#turn.reason);
    else this.#happen({ type: 'media_ended', reason: reasonOf(end) });
  }

  #partFailed(part: 'recogniser' | 'transfer', error: unknown): void {
    const { log, metrics, context } = this.#parts;
    const { code, message } = toAppError(error);
    metrics.count('part_failures_total', { part, code });
    log.warn('conversation.part_failed', { contextId: context.contextId, part, code, message });
  }

  #now(): number {
    return this.#parts.clock.nowMs();
  }
}

function reasonOf(end: MediaEnd): EndReason {
  switch (end.type) {
    case 'peer_closed':
      return 'caller_hung_up';
    case 'closed_by_us':
      return 'assistant_hung_up';
    case 'lost':
      return 'media_lost';
    case 'failed':
      return 'media_failed';
  }
}
