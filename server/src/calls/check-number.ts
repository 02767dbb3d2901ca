import { type CountryCode, type PhoneNumber, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { ChannelName } from '../core/call/call.ts';
import { AppError } from '../core/errors.ts';
import type { FieldValues } from '../core/form/field.ts';

/** Calls to these cost much, or are no person's phone (ITU-T E.164; libphonenumber's types). */
const REFUSED_TYPES: ReadonlySet<string> = new Set(['PREMIUM_RATE', 'SHARED_COST', 'PAGER', 'UAN', 'VOICEMAIL']);
/** Emergency services: no machine calls them, over whatever line. */
const EMERGENCY: ReadonlySet<string> = new Set(['112', '911', '999', '000']);
/** A PBX has extensions and names of its own; what looks like a number of the public network is judged as one. */
const EXTENSION = /^[A-Za-z0-9*#._-]{1,64}$/;
/** What stands before country and number in most countries, and in North America. */
const ABROAD = /^(?:00|011)(?=[1-9])/;
const PBX_CHANNELS: ReadonlySet<ChannelName> = new Set(['asterisk', 'sip']);

export type NumberToCall = {
  readonly channel: ChannelName;
  readonly to: string;
  /** Gives a number without country its country. */
  readonly from: string | null;
  readonly settings: FieldValues;
};

/**
 * The number as it is dialled: E.164 for the public network, an extension as it is.
 * @throws AppError number_refused saying why this number is not called. The number is not part of it.
 */
export function checkNumber({ channel, to, from, settings }: NumberToCall): string {
  const text = to.trim();
  if (EMERGENCY.has(text.replace(/^\+/, ''))) throw refusal('emergency services are not called');
  const home = parsePhoneNumberFromString(from ?? '')?.country;
  const isExtension = PBX_CHANNELS.has(channel) && !text.startsWith('+') && EXTENSION.test(text);
  const number = parseNumber(text, home, isExtension);
  if (isExtension && !number?.isValid()) return text;
  if (!number?.isValid()) throw refusal('write it as + country and number (E.164); this one does not exist');
  const type = number.getType();
  if (type !== undefined && REFUSED_TYPES.has(type)) {
    throw refusal(`numbers of the kind ${type.toLowerCase().replaceAll('_', ' ')} are not called`);
  }
  const { country } = number;
  if (country === undefined) throw refusal('numbers without a country, satellites for one, are not called');
  requireAllowed(country, settings['allowed_countries'], home);
  return isExtension ? text : number.number;
}

/** A PBX may dial abroad by a prefix that is not the one of the calling number's country, or without a calling number at all. */
function parseNumber(text: string, home: CountryCode | undefined, isExtension: boolean): PhoneNumber | undefined {
  const number = parsePhoneNumberFromString(text, home === undefined ? {} : { defaultCountry: home });
  if (!isExtension || number?.isValid() || !ABROAD.test(text)) return number;
  return parsePhoneNumberFromString(text.replace(ABROAD, '+'));
}

/** Unless told otherwise only the country of the calling number: what thieves of keys call is abroad. */
function requireAllowed(country: string, setting: FieldValues[string] | undefined, home: string | undefined): void {
  const isSet = Array.isArray(setting) && setting.length > 0;
  const allowed: readonly string[] = isSet ? setting : home === undefined ? ['*'] : [home];
  if (allowed.includes('*') || allowed.includes(country)) return;
  const words = isSet
    ? `its allowed_countries are ${allowed.join(', ')}`
    : `without allowed_countries it calls ${allowed.join()} only`;
  throw refusal(`the deployment may not call ${country}; ${words}`);
}

function refusal(why: string): AppError {
  return new AppError('number_refused', { detail: `toNumber: ${why}` });
}
