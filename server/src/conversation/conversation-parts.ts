import type { HoldMusic } from '../audio/hold-music.ts';
import type { AssistantSettings } from '../core/assistant/assistant-settings.ts';
import type { CallContext } from '../core/call/call-context.ts';
import type { CallEvent } from '../core/call/call-record.ts';
import type { TransferBookmark } from '../core/call/transfer.ts';
import type { Brain, BrainInput, EarlierTurn } from '../core/ports/brain.ts';
import type { TransferOutcome } from '../core/ports/call-transfer.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { MediaTransport } from '../core/ports/media-transport.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { SpeechToText } from '../core/ports/speech-to-text.ts';
import type { TextToSpeech } from '../core/ports/text-to-speech.ts';
import type { VoiceActivityDetector } from '../core/ports/voice-activity-detector.ts';
import type { ConversationRecorder } from './conversation-recorder.ts';
import type { SentenceCache } from './sentence-cache.ts';

/** What a conversation is built from. Providers and the cache are shared by all calls of the process. */
export type ConversationParts = {
  readonly context: CallContext;
  readonly settings: AssistantSettings;
  readonly media: MediaTransport;
  readonly clock: Clock;
  readonly vad: VoiceActivityDetector;
  /** Null: the call is led by keys only, and the detector is not used. */
  readonly speechToText: SpeechToText | null;
  readonly textToSpeech: TextToSpeech;
  readonly brain: Brain;
  readonly sentences: SentenceCache;
  readonly recorder: ConversationRecorder;
  readonly log: EventLog;
  readonly metrics: Metrics;
  /** What a caller hears while somebody else is called; silence without it. */
  readonly holdMusic?: HoldLoops;
  /** Hands the caller over; left out where callers of this call cannot be. */
  readonly transfer?: HandOver;
  /** What the brain is asked first, where that is not `started`. */
  readonly opening?: BrainInput;
  /** What was heard before the caller was handed over and came back. */
  readonly earlier?: readonly EarlierTurn[];
};

/** Music for a call's rate. */
export type HoldLoops = Pick<HoldMusic, 'loop'>;

/** What is asked for: to whom, and what the brain wants to have back when it fails. */
export type TransferWish = { readonly to: string; readonly bookmark: TransferBookmark | null };

/**
 * Hands the caller to somebody else and tells the record how that goes. Resolves once it is known; never throws. Aborted, it
 * resolves soon.
 */
export type HandOver = (
  wish: TransferWish,
  signal: AbortSignal,
  note: (type: string, data?: CallEvent['data']) => void,
) => Promise<TransferOutcome>;
