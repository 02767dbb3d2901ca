const ANONYMOUS = /^(anonymous|unknown|restricted|unavailable|private|asterisk)?$/i;
const LONGEST = 128;

/**
 * A caller's number as carriers really send it: trimmed, a leading space that an unencoded `+` became turned back, and
 * null for the many words that mean nobody. Not validated further: SIP users are callers too.
 */
export function normaliseCaller(raw: string | undefined): string | null {
  if (raw === undefined) return null;
  const withPlus = /^ \d/.test(raw) ? `+${raw.slice(1)}` : raw;
  const printable = Array.from(withPlus.trim(), (char) => (char < ' ' || char === '\u007f' ? '' : char)).join('');
  if (ANONYMOUS.test(printable)) return null;
  return printable.slice(0, LONGEST);
}

/** A number safe to log: the last three characters only. */
export function maskNumber(number: string | null): string {
  return number === null ? 'anonymous' : `***${number.slice(-3)}`;
}
