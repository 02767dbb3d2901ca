import type { Engines } from '../calls/converse.ts';
import { modelBrain } from '../conversation/model-brain.ts';
import type { BrainSettings } from '../core/assistant/assistant-settings.ts';
import type { Brain } from '../core/ports/brain.ts';
import type { SpeechToText } from '../core/ports/speech-to-text.ts';
import type { ProviderRegistry } from '../providers/provider-registry.ts';
import { scriptedBrain } from '../providers/scripted/scripted-brain.ts';

/** The engines that assistants' settings may name. */
export function enginesOf(providers: ProviderRegistry): Engines {
  // Calls of one version share their settings: its flow is read once.
  const scripted = new WeakMap<BrainSettings, Brain>();
  const scriptedBy = (settings: BrainSettings & { readonly type: 'scripted' }) => {
    const brain = scripted.get(settings) ?? scriptedBrain(settings.flow);
    scripted.set(settings, brain);
    return brain;
  };
  const chooseBrain = async (
    settings: BrainSettings,
    hearing: SpeechToText | null,
  ): ReturnType<Engines['chooseBrain']> => {
    switch (settings.type) {
      case 'scripted':
        return { brain: scriptedBy(settings), settings };
      case 'model':
        return { brain: modelBrain(await providers.languageModel(settings.provider), settings), settings };
      case 'auto': {
        const canTalkFreely = hearing !== null && !hearing.capabilities.isGrammarOnly;
        const isModel = canTalkFreely && (await providers.defaultBrainType()) === 'model';
        return await chooseBrain(isModel ? settings.model : settings.otherwise, hearing);
      }
    }
  };
  return {
    chooseBrain,
    speechToText: (choice) => providers.speechToText(choice),
    textToSpeech: (choice) => providers.textToSpeech(choice),
  };
}
