/** Silero VAD v6 for the inference worker: the name of the detector and the module that runs the model. */
export const SILERO = {
  name: 'silero',
  voiceModel: new URL('./silero-model.ts', import.meta.url),
} as const;
