import type { Conversation } from '@assistant/server/conversation/conversation';
import { startConversation } from '@assistant/server/conversation/conversation';
import type { ConversationParts, HandOver, HoldLoops } from '@assistant/server/conversation/conversation-parts';
import { SentenceCache } from '@assistant/server/conversation/sentence-cache';
import type { AssistantSettings, TurnSettings } from '@assistant/server/core/assistant/assistant-settings';
import { DEFAULT_TURN_SETTINGS } from '@assistant/server/core/assistant/assistant-settings';
import type { EndReason } from '@assistant/server/core/call/call';
import type { CallContext } from '@assistant/server/core/call/call-context';
import type { CallEvent, CallTurn } from '@assistant/server/core/call/call-record';
import type { AssistantId, ContextId, ConversationId, ProjectId } from '@assistant/server/core/ids';
import type { Brain, BrainInput } from '@assistant/server/core/ports/brain';
import type { BrainDeed } from './fake-brain.ts';
import { FakeBrain } from './fake-brain.ts';
import { FakeClock, settle } from './fake-clock.ts';
import type { FakeMediaOptions } from './fake-media-transport.ts';
import { FakeMediaTransport } from './fake-media-transport.ts';
import { RecordingLog, RecordingMetrics } from './recording-log.ts';
import type { ScriptedSpeechToTextOptions } from './scripted-speech-to-text.ts';
import { ScriptedSpeechToText } from './scripted-speech-to-text.ts';
import type { ScriptedTextToSpeechOptions } from './scripted-text-to-speech.ts';
import { ScriptedTextToSpeech } from './scripted-text-to-speech.ts';
import { ScriptedVad } from './scripted-vad.ts';
import { WordBook } from './word-book.ts';

export type CallWorldOptions = {
  readonly answer?: (input: BrainInput, turn: number) => readonly BrainDeed[];
  /** Instead of the fake one. */
  readonly brain?: (clock: FakeClock) => Brain;
  readonly media?: FakeMediaOptions;
  readonly speechToText?: ScriptedSpeechToTextOptions | null;
  readonly textToSpeech?: ScriptedTextToSpeechOptions;
  readonly turn?: Partial<TurnSettings>;
  readonly transfer?: HandOver;
  readonly holdMusic?: HoldLoops;
  /** What the brain is asked first, where that is not `started`. */
  readonly opening?: BrainInput;
};

/** One call in a world whose time moves only when told to: its caller, its parts, and all that can be seen of them. */
export class CallWorld {
  readonly clock = new FakeClock();
  readonly media: FakeMediaTransport;
  readonly vad = new ScriptedVad();
  /** The assistant's words are short, the caller's long. */
  readonly assistantWords = new WordBook(120, 40);
  readonly callerWords = new WordBook(240, 40);
  readonly speechToText: ScriptedSpeechToText | null;
  readonly textToSpeech: ScriptedTextToSpeech;
  readonly brain: FakeBrain;
  readonly sentences = new SentenceCache();
  readonly turns: CallTurn[] = [];
  readonly events: CallEvent[] = [];
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly conversation: Conversation;
  /** Null while the call lives. */
  endReason: EndReason | null = null;
  endings = 0;
  digits = '';

  constructor(options: CallWorldOptions = {}) {
    const { clock } = this;
    this.media = new FakeMediaTransport(clock, options.media);
    this.brain = new FakeBrain(clock, options.answer ?? (() => []));
    this.textToSpeech = new ScriptedTextToSpeech(clock, this.assistantWords, options.textToSpeech);
    this.speechToText =
      options.speechToText === null ? null : new ScriptedSpeechToText(clock, this.callerWords, options.speechToText);
    const parts: ConversationParts = {
      context: CONTEXT,
      settings: settingsWith(options.turn),
      media: this.media,
      clock,
      vad: this.vad,
      speechToText: this.speechToText,
      textToSpeech: this.textToSpeech,
      brain: options.brain?.(clock) ?? this.brain,
      sentences: this.sentences,
      recorder: {
        turn: (turn) => void this.turns.push(turn),
        event: (event) => void this.events.push(event),
        digit: (digit) => {
          this.digits += digit;
        },
      },
      log: this.log,
      metrics: this.metrics,
    };
    this.conversation = startConversation({
      ...parts,
      ...(options.transfer && { transfer: options.transfer }),
      ...(options.holdMusic && { holdMusic: options.holdMusic }),
      ...(options.opening && { opening: options.opening }),
    });
    this.conversation.ended.then(
      (reason) => {
        this.endReason = reason;
        this.endings++;
      },
      () => undefined,
    );
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.clock.run(ms, 10);
  }

  /** The caller says this; returns at once, `pass` the time. */
  say(text: string): void {
    this.media.say(this.callerWords.encode(text));
  }

  /** A sound of the caller's that is no word. */
  cough(ms: number, level = 3_000): void {
    this.media.say(new Int16Array(ms * 8).fill(level));
  }

  /** The complete words the caller has heard, of the whole call or from a time on. */
  heardWords(fromMs = 0): string {
    return this.assistantWords.text(this.media.ear.slice(fromMs * 8));
  }

  /** Whether the caller hears anything in this stretch of time. */
  isQuiet(fromMs: number, toMs: number): boolean {
    return this.media.ear.slice(fromMs * 8, toMs * 8).every((sample) => sample === 0);
  }

  /** Lets promises settle without time passing. */
  async settle(): Promise<void> {
    await settle();
  }

  get eventTypes(): string[] {
    return this.events.map((event) => event.type);
  }

  /** What is still open: empty after the end. */
  leftovers(): string[] {
    const counts: [string, number][] = [
      ['timers', this.clock.pendingTimers],
      ['detections', this.vad.openSessions],
      ['recognisers', this.speechToText?.openSessions ?? 0],
      ['sentences', this.textToSpeech.running],
    ];
    return counts.filter(([, count]) => count !== 0).map(([name, count]) => `${count} ${name}`);
  }
}

export function settingsWith(turn: Partial<TurnSettings> = {}): AssistantSettings {
  return {
    language: 'en-US',
    brain: { type: 'scripted', flow: null },
    speechToText: { provider: 'auto' },
    textToSpeech: { provider: 'auto' },
    turn: { ...DEFAULT_TURN_SETTINGS, ...turn },
    errorSentence: 'Sorry that failed',
  };
}

export const CONTEXT: CallContext = {
  contextId: '11111111-2222-4333-8444-555555555555' as ContextId,
  conversationId: '1000000000000001' as ConversationId,
  attempt: 1,
  projectId: 'project' as ProjectId,
  assistantId: '100000001' as AssistantId,
  assistantVersion: 1,
  deploymentId: null,
  credentialId: null,
  channel: 'asterisk',
  direction: 'inbound',
  from: '+15551002',
  to: null,
  providerCallId: null,
  isUnverified: false,
  args: {},
  metadata: {},
  status: 'claimed',
  expiresAt: new Date(Date.UTC(2026, 0, 1)),
  claimedBy: null,
};
