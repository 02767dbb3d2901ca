import { splitSentences } from '../conversation/sentences.ts';
import type { AssistantSettings } from '../core/assistant/assistant-settings.ts';
import type { ConverseParts } from './converse.ts';

/** What most lines play at. A call at another rate pays for its first sentence once. */
const TELEPHONE_RATE = 8_000;

/**
 * Has the sentences that an assistant surely says made before a caller waits for them, the greeting first. Resolves when they
 * are asked for, not when they are there. @throws AppError when an engine cannot be opened.
 */
export async function warmAssistant(
  parts: Pick<ConverseParts, 'engines' | 'sentences'>,
  settings: AssistantSettings,
  signal: AbortSignal,
): Promise<void> {
  const { engines, sentences } = parts;
  const hearing = await engines.speechToText(settings.speechToText);
  const voice = await engines.textToSpeech(settings.textToSpeech);
  const { brain } = await engines.chooseBrain(settings.brain, hearing);
  const { idleQuestion, idleGoodbye } = settings.turn;
  const texts = [...(brain.fixedTexts ?? []), settings.errorSentence, idleQuestion, idleGoodbye];
  const named = settings.textToSpeech.voice === undefined ? {} : { voice: settings.textToSpeech.voice };
  const request = { language: settings.language, preferredSampleRate: TELEPHONE_RATE, ...named };
  sentences.warm(
    voice,
    texts.flatMap(splitSentences).map((text) => ({ ...request, text })),
    signal,
  );
}
