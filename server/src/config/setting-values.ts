import { BlockList, isIP, isIPv4 } from 'node:net';

/** A value that cannot be: the message completes "NAME=value ...". */
export class SettingMistake extends Error {
  override readonly name = 'SettingMistake';
}

/** A whole number, both ends included. @throws SettingMistake */
export function parseInteger(text: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new SettingMistake(`must be a whole number from ${min} to ${max}`);
  return value;
}

/** A TCP or UDP port; 0 lets the system choose. @throws SettingMistake */
export function parsePort(text: string): number {
  return parseInteger(text, 0, 65_535);
}

const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/;

/** A host name or an IP address, without scheme, port or path. @throws SettingMistake */
export function parseHost(text: string): string {
  const address = /^\[.*\]$/.test(text) ? text.slice(1, -1) : text;
  const looksNumeric = /^[\d.]+$/.test(address);
  if (isIP(address) === 0 && (looksNumeric || !HOST_NAME.test(address))) {
    throw new SettingMistake('must be a host name or an IP address, without scheme, port or path');
  }
  return address;
}

/** An IP address. @throws SettingMistake */
export function parseIp(text: string): string {
  if (isIP(text) === 0) throw new SettingMistake('must be an IP address');
  return text;
}

/** Networks in CIDR form, separated by commas. @throws SettingMistake naming the wrong one. */
export function parseNets(text: string): readonly string[] {
  const nets = text.split(',').map((net) => net.trim());
  for (const net of nets) checkNet(net);
  return nets;
}

function checkNet(net: string): void {
  const [address = '', prefix = '', ...rest] = net.split('/');
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  const isPossible = isIP(address) !== 0 && /^\d{1,3}$/.test(prefix) && rest.length === 0;
  try {
    if (!isPossible) throw new RangeError();
    new BlockList().addSubnet(address, Number(prefix), family);
  } catch {
    throw new SettingMistake(`must be networks like 10.0.0.0/8 separated by commas; "${net}" is none`);
  }
}

/** One of a few words, in any case. @throws SettingMistake listing them. */
export function parseWord<Word extends string>(text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text.toLowerCase());
  if (found === undefined) throw new SettingMistake(`must be one of ${words.join(', ')}`);
  return found;
}

/** An http or https address, its last slash removed. @throws SettingMistake */
export function parseHttpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new SettingMistake('must be an http:// or https:// address without user and password');
  }
  return text.replace(/\/+$/, '');
}
