import type { AssistantSettings } from '../core/assistant/assistant-settings.ts';
import type { CallContext } from '../core/call/call-context.ts';
import type { Brain } from '../core/ports/brain.ts';
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
  /** Hands the caller to another number; left out where the channel cannot. */
  readonly transfer?: (to: string) => Promise<void>;
};
