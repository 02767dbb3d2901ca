import type { Engines } from '../calls/converse.ts';
import { modelBrain } from '../conversation/model-brain.ts';
import type { BrainSettings } from '../core/assistant/assistant-settings.ts';
import type { ProviderRegistry } from '../providers/provider-registry.ts';
import { scriptedBrain } from '../providers/scripted/scripted-brain.ts';

/** The engines that assistants' settings may name. */
export function enginesOf(providers: ProviderRegistry): Engines {
  const chooseBrain = async (settings: BrainSettings): ReturnType<Engines['chooseBrain']> => {
    switch (settings.type) {
      case 'scripted':
        return { brain: scriptedBrain(settings.flow), settings };
      case 'model':
        return { brain: modelBrain(await providers.languageModel(settings.provider), settings), settings };
      case 'auto':
        return chooseBrain((await providers.defaultBrainType()) === 'model' ? settings.model : settings.otherwise);
    }
  };
  return {
    chooseBrain,
    speechToText: (choice) => providers.speechToText(choice),
    textToSpeech: (choice) => providers.textToSpeech(choice),
  };
}
