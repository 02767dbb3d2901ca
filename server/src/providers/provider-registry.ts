import { Compile, type Validator } from 'typebox/compile';
import type { ProviderChoice } from '../core/assistant/assistant-settings.ts';
import { AppError } from '../core/errors.ts';
import type { LanguageModel } from '../core/ports/language-model.ts';
import type { SpeechToText } from '../core/ports/speech-to-text.ts';
import type { TextToSpeech } from '../core/ports/text-to-speech.ts';
import type {
  Opener,
  Provider,
  ProviderKind,
  ProviderKinds,
  ProviderOptions,
  ProviderSurroundings,
} from './provider.ts';

const AUTO = 'auto';
/** What `auto` means changes when somebody installs an engine: within this time that is noticed. */
const REMEMBERED_MS = 10_000;
const KIND_WORDS = {
  speechToText: 'speech to text',
  textToSpeech: 'text to speech',
  languageModel: 'language model',
} as const satisfies Record<ProviderKind, string>;

/** Opens providers by an assistant's choice, each once for all calls, and closes them all. */
export class ProviderRegistry implements AsyncDisposable {
  readonly #providers: readonly Provider[];
  readonly #surroundings: ProviderSurroundings;
  readonly #opened = new Map<string, Promise<ProviderKinds[ProviderKind]>>();
  readonly #automatic = new Map<ProviderKind, { readonly provider: Provider | undefined; readonly untilMs: number }>();
  /** Every call checks: compiled, that takes a microsecond. */
  readonly #checkers = new Map<Provider, Validator>();
  #isClosed = false;

  /** @param providers in the order in which `auto` tries them. */
  constructor(providers: readonly Provider[], surroundings: ProviderSurroundings) {
    this.#providers = providers;
    this.#surroundings = surroundings;
  }

  /** Null for `auto` where nothing can hear: then calls go by keys alone.
   *  @throws AppError invalid_parameters for an unknown name or option, not_configured for a provider that is not there. */
  async speechToText(choice: ProviderChoice): Promise<SpeechToText | null> {
    return this.#open('speechToText', choice);
  }

  /** @throws as `speechToText`; not_configured for `auto` where nothing can speak. */
  async textToSpeech(choice: ProviderChoice): Promise<TextToSpeech> {
    return (await this.#open('textToSpeech', choice)) ?? (await this.#nothingFor('textToSpeech'));
  }

  /** @throws as `speechToText`; not_configured for `auto` where no model is set. */
  async languageModel(choice: ProviderChoice): Promise<LanguageModel> {
    return (await this.#open('languageModel', choice)) ?? (await this.#nothingFor('languageModel'));
  }

  /** What a new assistant should think with: a language model where one is set, else a scripted flow. */
  async defaultBrainType(): Promise<'model' | 'scripted'> {
    return (await this.#firstFor('languageModel')) ? 'model' : 'scripted';
  }

  /** What `auto` means here, a line each kind, for the start-up text. */
  async describe(): Promise<string[]> {
    const kinds = Object.keys(KIND_WORDS) as ProviderKind[];
    return Promise.all(
      kinds.map(async (kind) => {
        const provider = await this.#firstFor(kind);
        const words = provider
          ? await provider.describe(this.#surroundings, kind)
          : `none. To have one, ${(await this.#wishes(kind)).join('; or ')}`;
        return `${KIND_WORDS[kind]}: ${words}`;
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const opened = await Promise.allSettled(this.#opened.values());
    this.#opened.clear();
    for (const one of opened) {
      if (one.status === 'fulfilled' && Symbol.asyncDispose in one.value) await one.value[Symbol.asyncDispose]();
    }
  }

  async #open<Kind extends ProviderKind>(kind: Kind, choice: ProviderChoice): Promise<ProviderKinds[Kind] | null> {
    if (this.#isClosed) throw new AppError('draining', { detail: 'the providers are closed' });
    const provider = choice.provider === AUTO ? await this.#firstFor(kind) : this.#named(kind, choice.provider);
    if (!provider) return null;
    const options = this.#checkedOptions(provider, choice.provider === AUTO ? {} : (choice.options ?? {}));
    const key = JSON.stringify([kind, provider.name, Object.entries(options).sort()]);
    let opened = this.#opened.get(key) as Promise<ProviderKinds[Kind]> | undefined;
    if (!opened) {
      opened = this.#start(provider, kind, options);
      this.#opened.set(key, opened);
      // A failure is not kept: what was missing may be there next time.
      opened.catch(() => this.#opened.delete(key));
    }
    return opened;
  }

  async #start<Kind extends ProviderKind>(provider: Provider, kind: Kind, options: ProviderOptions) {
    const missing = await provider.missing(this.#surroundings);
    if (missing) throw new AppError('not_configured', { detail: `${provider.name} is not there: ${missing}` });
    const open = provider[kind] as Opener<Kind>;
    return open(this.#surroundings, options);
  }

  #having(kind: ProviderKind): Provider[] {
    return this.#providers.filter((provider) => provider[kind] !== undefined);
  }

  /** Remembered for a while: the question may look through folders, and each call asks it. */
  async #firstFor(kind: ProviderKind): Promise<Provider | undefined> {
    const nowMs = this.#surroundings.clock.nowMs();
    const known = this.#automatic.get(kind);
    if (known && nowMs < known.untilMs) return known.provider;
    const provider = await this.#lookFor(kind);
    this.#automatic.set(kind, { provider, untilMs: nowMs + REMEMBERED_MS });
    return provider;
  }

  async #lookFor(kind: ProviderKind): Promise<Provider | undefined> {
    for (const provider of this.#having(kind)) {
      if ((await provider.missing(this.#surroundings, kind)) === null) return provider;
    }
    return undefined;
  }

  #named(kind: ProviderKind, name: string): Provider {
    const having = this.#having(kind);
    const provider = having.find((one) => one.name === name);
    if (provider) return provider;
    const names = [AUTO, ...having.map((one) => one.name)].join(', ');
    throw new AppError('invalid_parameters', {
      detail: `there is no provider ${JSON.stringify(name.slice(0, 60))} for ${KIND_WORDS[kind]}; it may be ${names}`,
    });
  }

  async #wishes(kind: ProviderKind): Promise<string[]> {
    const wishes = await Promise.all(this.#having(kind).map((provider) => provider.missing(this.#surroundings, kind)));
    return wishes.filter((wish) => wish !== null);
  }

  async #nothingFor(kind: ProviderKind): Promise<never> {
    const detail = `no provider for ${KIND_WORDS[kind]} is there: ${(await this.#wishes(kind)).join('; or ')}`;
    throw new AppError('not_configured', { detail });
  }

  #checkedOptions(provider: Provider, options: ProviderOptions): ProviderOptions {
    const checker = this.#checkers.get(provider) ?? Compile(provider.optionsSchema);
    this.#checkers.set(provider, checker);
    if (checker.Check(options)) return options;
    const [first] = checker.Errors(options);
    const where = first ? `${first.instancePath || 'options'} ${first.message}` : 'they do not fit';
    throw new AppError('invalid_parameters', { detail: `options of ${provider.name}: ${where}` });
  }
}
