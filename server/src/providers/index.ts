import { Value } from 'typebox/value';
import { USUAL_SEARCH_PATH } from './find-program.ts';
import { flite } from './flite/provider.ts';
import { openAiCompatible } from './openai-compatible/provider.ts';
import { type OpenAiSettings, openAiSettingsSchema } from './openai-compatible/settings.ts';
import { pocketsphinx } from './pocketsphinx/provider.ts';
import type { Provider, ProviderSurroundings } from './provider.ts';
import { ProviderRegistry } from './provider-registry.ts';

/** Every provider there is, in the order in which `auto` tries them. A new one is a folder and a line here. */
export const PROVIDERS: readonly Provider[] = [openAiCompatible, pocketsphinx, flite];

/** Settings as a configuration holds them: null is unset. */
type Unset<Settings> = { readonly [Name in keyof Settings]?: Settings[Name] | null | undefined };

export type OpenProvidersOptions = Omit<ProviderSurroundings, 'settings' | 'searchPath'> & {
  readonly env: { readonly openAi?: Unset<OpenAiSettings> };
  /** Folders of the system's programs, written like PATH. */
  readonly searchPath?: string | undefined;
};

/** Opens the list. Nothing is imported, started or connected before a call needs it. */
export function openProviders(options: OpenProvidersOptions): ProviderRegistry {
  const { env, searchPath = USUAL_SEARCH_PATH, ...rest } = options;
  const set = Object.entries(env.openAi ?? {}).filter(([, value]) => value !== null && value !== undefined);
  const openAi = Value.Parse(openAiSettingsSchema, Object.fromEntries(set));
  return new ProviderRegistry(PROVIDERS, { ...rest, settings: { openAi }, searchPath });
}

export { installLocalSpeech } from './pocketsphinx/install-local-speech.ts';
export { ProviderRegistry } from './provider-registry.ts';
