import type { OpenCredential } from '../../core/credential/credential.ts';
import type { AssistantId } from '../../core/ids.ts';
import { DigestClient } from '../../protocols/digest/digest-client.ts';
import type { ChallengeAnswerer } from '../../protocols/sip/agent-core.ts';
import type { Header } from '../../protocols/sip/message/message.ts';
import type { NameAddress } from '../../protocols/sip/message/name-address.ts';
import { parseSipUri, printSipUri } from '../../protocols/sip/message/sip-uri.ts';
import type { Flow } from '../../protocols/sip/transport/flow.ts';
import { answerWithDigest } from '../../protocols/sip/uac/answer-challenge.ts';
import type { RegisteredPhone } from './registrar.ts';

/** How somebody is called. */
export type Route = {
  /** The Request-URI and To. */
  readonly to: string;
  readonly from: NameAddress;
  /** The user part of our Contact. */
  readonly contactUser?: string;
  /** SRTP, and nothing else, is offered: the signalling is encrypted. */
  readonly isSecure: boolean;
  readonly credentials?: ChallengeAnswerer;
  readonly headers?: readonly Header[];
  /** The flow a phone has registered by. */
  readonly flow?: Flow;
};

export type Numbers = { readonly to: string; readonly from: string | null };

/** What stands before the @ of an address of ours: numbers, extensions, names. */
export const SIP_USER = /^[A-Za-z0-9+*#._-]{1,64}$/;
/** RFC 3261, 8.1.1.3: a caller who stays unknown. */
const ANONYMOUS = { displayName: 'Anonymous', uri: 'sip:anonymous@anonymous.invalid', params: new Map() };

/** Where a trunk that knows its accounts by From wants the number (RFC 3325, 9). */
const IDENTITY_HEADERS: Readonly<Record<string, string>> = {
  'p-asserted-identity': 'P-Asserted-Identity',
  'p-preferred-identity': 'P-Preferred-Identity',
};

/** The way over a trunk; digest is answered with the account's user name and password, if it has them. */
export function trunkRoute(
  trunk: OpenCredential,
  { to, from }: Numbers,
  randomBytes: (count: number) => Uint8Array,
): Route {
  const username = trunk.text('username');
  const header = IDENTITY_HEADERS[trunk.text('caller_id') ?? ''];
  const identity = header !== undefined && from !== null && username !== null && { name: header, value: from };
  const caller = identity ? username : (from ?? username);
  const password = trunk.text('password');
  const realm = trunk.text('realm');
  const isAccount = username !== null && password !== null;
  const account = isAccount && { username, password, ...(realm === null ? {} : { realm }) };
  return {
    to: trunkUri(trunk, to),
    from: caller === null ? ANONYMOUS : { uri: hostUri(trunk, caller), params: new Map() },
    isSecure: trunk.text('transport') === 'tls',
    ...(caller === null ? {} : { contactUser: username ?? caller }),
    ...(identity ? { headers: [{ name: identity.name, value: `<${hostUri(trunk, identity.value)}>` }] } : {}),
    ...(account ? { credentials: answerWithDigest(new DigestClient(account, randomBytes)) } : {}),
  };
}

/** The way to whoever a SIP URI names; no challenge is answered there. */
export function plainRoute(to: string, caller: string): Route {
  const isSecure = to.startsWith('sips:') || parseSipUri(to)?.params.get('transport')?.toLowerCase() === 'tls';
  const host = parseSipUri(to)?.host ?? '';
  const from = { uri: printSipUri({ scheme: 'sip', user: caller, host, params: new Map() }), params: new Map() };
  return { to, from, contactUser: caller, isSecure };
}

/** The way to a phone that has registered here. */
export function phoneRoute(
  { uri, flow }: RegisteredPhone,
  caller: { readonly assistantId: AssistantId; readonly from: string | null; readonly host: string },
): Route {
  const user = caller.from ?? caller.assistantId;
  const from = printSipUri({ scheme: 'sip', user, host: caller.host, params: new Map() });
  return {
    to: uri,
    from: { uri: from, params: new Map() },
    contactUser: caller.assistantId,
    isSecure: flow.protocol === 'TLS',
    flow,
  };
}

/** An address at the trunk: what calls and Refer-To go to. Without a port or transport DNS decides (RFC 3263). */
export function trunkUri(trunk: OpenCredential, user?: string): string {
  const port = Number(trunk.text('port') ?? Number.NaN);
  const transport = trunk.text('transport');
  return printSipUri({
    scheme: 'sip',
    ...(user === undefined ? {} : { user }),
    host: hostOf(trunk),
    ...(Number.isInteger(port) ? { port } : {}),
    params: new Map(transport === null ? [] : [['transport', transport]]),
  });
}

/** The same without port and transport: who somebody is, and not where. */
function hostUri(trunk: OpenCredential, user: string): string {
  return printSipUri({ scheme: 'sip', user, host: hostOf(trunk), params: new Map() });
}

function hostOf(trunk: OpenCredential): string {
  const text = trunk.text('host') ?? '';
  return parseSipUri(`sip:${text}`)?.host ?? text;
}
