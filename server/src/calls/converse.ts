import type { Conversation } from '../conversation/conversation.ts';
import { startConversation } from '../conversation/conversation.ts';
import type { HoldLoops } from '../conversation/conversation-parts.ts';
import type { ConversationRecorder } from '../conversation/conversation-recorder.ts';
import type { SentenceCache } from '../conversation/sentence-cache.ts';
import type { AssistantSettings, BrainSettings, ProviderChoice } from '../core/assistant/assistant-settings.ts';
import type { ClaimedContext } from '../core/call/call-context.ts';
import type { Brain } from '../core/ports/brain.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { MediaTransport } from '../core/ports/media-transport.ts';
import type { Metrics } from '../core/ports/metrics.ts';
import type { SpeechToText } from '../core/ports/speech-to-text.ts';
import type { TextToSpeech } from '../core/ports/text-to-speech.ts';
import type { VoiceActivityDetector } from '../core/ports/voice-activity-detector.ts';
import { handOverOn, type TransferCallParts } from './transfer-call.ts';
import { type TransferLineParts, transferLineOf } from './transfer-call-line.ts';
import { returnOf, type TransferReturnParts } from './transfer-call-return.ts';

/** The engines of the process, opened on first use and shared by all calls. */
export interface Engines {
  /** Null: there is none, and the call is led by keys. @throws AppError invalid_parameters for a name nobody has. */
  speechToText(choice: ProviderChoice): Promise<SpeechToText | null>;
  textToSpeech(choice: ProviderChoice): Promise<TextToSpeech>;
  /** The brain, and the settings it is to read. `auto` is decided here: a model only where its words can be answered freely. */
  chooseBrain(
    settings: BrainSettings,
    hearing: SpeechToText | null,
  ): Promise<{ readonly brain: Brain; readonly settings: BrainSettings }>;
}

export type ConverseParts = TransferLineParts &
  TransferCallParts &
  TransferReturnParts & {
    readonly engines: Engines;
    readonly vad: VoiceActivityDetector;
    readonly sentences: SentenceCache;
    readonly holdMusic: HoldLoops;
    readonly clock: Clock;
    readonly log: EventLog;
    readonly metrics: Metrics;
  };

/** Starts the conversation that an assistant's settings describe. @throws AppError when an engine cannot be opened. */
export async function converse(
  parts: ConverseParts,
  context: ClaimedContext,
  media: MediaTransport,
  recorder: ConversationRecorder,
): Promise<Conversation> {
  const { contextId, assistantId, channel } = context;
  const { engines, vad, sentences, holdMusic, clock, metrics } = parts;
  const [chosen, line, back] = await Promise.all([
    choose(engines, context.settings),
    transferLineOf(parts, context),
    returnOf(parts, context, recorder),
  ]);
  return startConversation({
    ...chosen,
    ...(line && { transfer: handOverOn(parts, line) }),
    ...back,
    vad,
    sentences,
    holdMusic,
    clock,
    metrics,
    context,
    media,
    recorder,
    log: parts.log.with({ contextId, assistantId, channel }),
  });
}

async function choose(engines: Engines, settings: AssistantSettings) {
  const [speechToText, textToSpeech] = await Promise.all([
    engines.speechToText(settings.speechToText),
    engines.textToSpeech(settings.textToSpeech),
  ]);
  const chosen = await engines.chooseBrain(settings.brain, speechToText);
  return { speechToText, textToSpeech, brain: chosen.brain, settings: { ...settings, brain: chosen.settings } };
}
