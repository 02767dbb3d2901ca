import { Type } from 'typebox';
import { AppError } from '../../core/errors.ts';
import type { Provider } from '../provider.ts';
import { findPocketsphinx } from './find-pocketsphinx.ts';

const HOW_TO_GET_IT = 'run `npm start -- speech install`, or install the packages pocketsphinx and pocketsphinx-en-us';

/** pocketsphinx in the list: there once it is installed. Looked for at each call until then, so an install needs no restart. */
export const pocketsphinx: Provider = {
  name: 'pocketsphinx',
  optionsSchema: Type.Object({}, { additionalProperties: false }),
  missing: async (surroundings) => ((await findPocketsphinx(surroundings)) ? null : HOW_TO_GET_IT),
  describe: async (surroundings) => {
    const found = await findPocketsphinx(surroundings);
    return `pocketsphinx, ${found?.program ?? 'not installed'}: US English, only the phrases a flow expects`;
  },
  speechToText: async (surroundings) => {
    const installation = await findPocketsphinx(surroundings);
    if (!installation) throw new AppError('not_configured', { detail: `pocketsphinx is not here: ${HOW_TO_GET_IT}` });
    const { openPocketsphinx } = await import('./pocketsphinx.ts');
    return openPocketsphinx({ ...surroundings, installation });
  },
};
