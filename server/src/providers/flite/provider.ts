import { Type } from 'typebox';
import { findProgram } from '../find-program.ts';
import type { Provider } from '../provider.ts';
import type { FliteEngine } from './flite.ts';

/** flite in the list: always there. */
export const flite: Provider = {
  name: 'flite',
  optionsSchema: Type.Object(
    { engine: Type.Optional(Type.Union([Type.Literal('auto'), Type.Literal('system'), Type.Literal('wasm')])) },
    { additionalProperties: false },
  ),
  missing: async () => null,
  describe: async ({ searchPath }) => {
    const program = await findProgram('flite', searchPath);
    return `flite, ${program ?? 'the one from npm'}: US English`;
  },
  textToSpeech: async (surroundings, options) => {
    const { openFlite } = await import('./flite.ts');
    return openFlite({ ...surroundings, engine: options['engine'] as FliteEngine | undefined });
  },
};
