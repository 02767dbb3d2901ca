import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import type { CredentialAdd } from './credential-commands.ts';
import type { DoctorWish } from './doctor/run-doctor.ts';
import { DOCTOR_TOPICS } from './doctor/topics.ts';

export type Command =
  | { readonly type: 'start' }
  | { readonly type: 'help' }
  | OneShotCommand
  | { readonly type: 'mistake'; readonly message: string };

/** A command that does one thing and ends. */
export type OneShotCommand =
  | { readonly type: 'config' }
  | { readonly type: 'data-export'; readonly file: string }
  | { readonly type: 'data-import'; readonly file: string }
  | { readonly type: 'speech-install' }
  | { readonly type: 'credential-add'; readonly wish: CredentialAdd }
  | { readonly type: 'credential-list' }
  | { readonly type: 'vault-rotate' }
  | { readonly type: 'doctor'; readonly wish: DoctorWish }
  | { readonly type: 'key-create'; readonly name: string; readonly isSealed: boolean };

/** Where the second column of the help text begins, after `npm start -- `. */
const HELP_COLUMN = 31;

export const HELP = `npm start                                   serve
npm start -- config                         print the configuration in force, secrets masked
npm start -- data export FILE               write all rows to a file, the keyring not included
npm start -- data import FILE               read them into an empty database
npm start -- speech install                 fetch local speech recognition into the project's cache folder
npm start -- key create [--name NAME]       make an API key for the demo project (--unsealed: not usable in SIP digest)
npm start -- credential add PROVIDER        keep a carrier account: twilio, vonage, exotel, asterisk or sip; asks for what it needs
                                            (--name NAME; --set key=value for what is no secret; --file key=PATH)
npm start -- credential list                list them, secrets as their last four characters
npm start -- vault rotate                   a new vault key: data keys are wrapped anew, secrets stay as they are
${DOCTOR_TOPICS.flatMap(({ help }) => help.map(([words, what]) => `npm start -- ${words.padEnd(HELP_COLUMN)}${what}\n`)).join('')}npm start -- help                           this
`;

/** Reads the words after `npm start --`. Never throws: a mistake is a command too, with what to write instead. */
export function parseCommand(argv: readonly string[]): Command {
  if (argv[0] === 'doctor') return parseDoctor(argv.slice(1));
  const parsed = readWords(argv, OPTIONS);
  if (typeof parsed === 'string') return { type: 'mistake', message: parsed };
  const { positionals, values } = parsed;
  if (values.help) return { type: 'help' };
  const [noun = 'start', verb, file] = positionals;
  switch (verb === undefined ? noun : `${noun} ${verb}`) {
    case 'start':
      return { type: 'start' };
    case 'help':
      return { type: 'help' };
    case 'config':
      return { type: 'config' };
    case 'data export':
      return file ? { type: 'data-export', file } : mistake('data export wants the file to write');
    case 'data import':
      return file ? { type: 'data-import', file } : mistake('data import wants the file to read');
    case 'speech install':
      return { type: 'speech-install' };
    case 'credential add':
      if (!file) return mistake('credential add wants a provider: twilio, vonage, exotel, asterisk or sip');
      return {
        type: 'credential-add',
        wish: { provider: file, name: values.name ?? null, set: values.set ?? [], files: values.file ?? [] },
      };
    case 'credential list':
      return { type: 'credential-list' };
    case 'vault rotate':
      return { type: 'vault-rotate' };
    case 'key create':
      return { type: 'key-create', name: values.name ?? 'key', isSealed: !values.unsealed };
    default:
      return mistake(`there is no command "${positionals.join(' ')}"`);
  }
}

/** Each topic of the doctor's has options of its own. */
function parseDoctor(argv: readonly string[]): Command {
  const [first = ''] = argv;
  const topic = DOCTOR_TOPICS.find(({ word }) => word === (first.startsWith('-') ? '' : first));
  if (!topic) return mistake(`there is no command "doctor ${first}"`);
  const parsed = readWords(topic.word === '' ? argv : argv.slice(1), { ...topic.options, help: OPTIONS.help });
  if (typeof parsed === 'string') return mistake(parsed);
  const { help, ...options } = parsed.values;
  if (help) return { type: 'help' };
  if (parsed.positionals.length > 0) return mistake(`doctor ${topic.word} takes no "${parsed.positionals.join(' ')}"`);
  return { type: 'doctor', wish: { topic: topic.word, options } };
}

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  name: { type: 'string' },
  unsealed: { type: 'boolean' },
  set: { type: 'string', multiple: true },
  file: { type: 'string', multiple: true },
} as const satisfies ParseArgsOptionsConfig;

function readWords<Options extends ParseArgsOptionsConfig>(argv: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...argv], allowPositionals: true, options });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function mistake(message: string): Command {
  return { type: 'mistake', message };
}
