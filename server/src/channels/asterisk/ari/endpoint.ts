import { AppError } from '../../../core/errors.ts';

/** The dialling keys of an Asterisk credential, as the manual names them, and one more for everything else. */
export type DialSettings = {
  /** Channel technology; PJSIP when absent. */
  readonly endpoint_technology?: string;
  readonly trunk?: string;
  /** Overrides all: `{number}` and `{trunk}` are filled in. */
  readonly endpoint_template?: string;
};

const DEFAULT_TECHNOLOGY = 'PJSIP';
/** A number or a user part: nothing that could end the endpoint and begin another. */
const DIALLABLE = /^[A-Za-z0-9+*#._-]{1,64}$/;

/**
 * What ARI is asked to dial. For PJSIP `PJSIP/number@trunk`: the manual's `PJSIP/trunk/number` fails in Asterisk 22, whose third
 * part is an AOR or a URI (seen: 500 "Allocation failed"). Other technologies `TECH/trunk/number`.
 * @throws AppError invalid_parameters when the number cannot be dialled as it stands.
 */
export function dialEndpoint(number: string, settings: DialSettings): string {
  if (!DIALLABLE.test(number)) {
    throw new AppError('invalid_parameters', {
      detail: 'the number to call may hold letters, digits and + * # . _ - only',
    });
  }
  const technology = settings.endpoint_technology || DEFAULT_TECHNOLOGY;
  const { trunk = '', endpoint_template: template } = settings;
  if (template) return template.replaceAll('{number}', number).replaceAll('{trunk}', trunk);
  if (!trunk) return `${technology}/${number}`;
  return technology.toUpperCase() === 'PJSIP' ? `${technology}/${number}@${trunk}` : `${technology}/${trunk}/${number}`;
}
