import { timingSafeEqual } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import type { EndReason } from '../../core/call/call.ts';
import { normaliseCaller } from '../../core/call/caller-number.ts';
import { AppError } from '../../core/errors.ts';
import { parseContextId } from '../../core/ids.ts';
import type {
  CallChange,
  CallReport,
  CallWebhook,
  IncomingCall,
  Verdict,
  Verification,
  WebhookRequest,
} from '../../core/ports/channel.ts';
import { exotelAnswer } from './answer.ts';
import { connectAnswer, readConnectResult } from './transfer.ts';

/** Phase 1 and callbacks of Exotel, which signs nothing: a password in the URL or a list of addresses stand in. */
export const exotelCallWebhook: CallWebhook = {
  needsPublicHost: true,
  read,
  verify,
  readReport,
  answer: (context, publicHost, { request, settings }) => {
    if (publicHost === null) throw new AppError('not_configured', { detail: 'set PUBLIC_ASSISTANT_HOST' });
    return exotelAnswer(context, publicHost, request, settings);
  },
  tellTransferNumber: connectAnswer,
};

function read({ parameters }: WebhookRequest): IncomingCall {
  const { CallFrom, CallTo, From, To, CallSid, CustomField, Direction } = parameters;
  const contextId = parseContextId(CustomField?.trim() ?? '');
  return {
    from: normaliseCaller(CallFrom ?? From ?? parameters['from']),
    to: normaliseCaller(CallTo ?? To ?? parameters['to']),
    providerCallId: CallSid?.trim() || null,
    metadata: { ...(Direction && { Direction }), ...(CustomField && contextId === null && { CustomField }) },
    ...(contextId && { contextId }),
  };
}

/** Basic with the account's key and token (Exotel "Voicebot applet": authentication), or an allowed address. */
function verify({ request, credentials, settings }: Verification): Verdict {
  const allowed = settings['allowed_addresses'];
  if (Array.isArray(allowed) && allowed.length > 0 && !isAllowed(request.remoteAddress, allowed)) {
    return { type: 'wrong', difference: 'address' };
  }
  const basic = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(request.headers['authorization'] ?? '')?.[1];
  if (basic !== undefined) {
    const given = Buffer.from(basic, 'base64');
    const owner = credentials.find((credential) =>
      isSame(given, `${credential.text('api_key') ?? ''}:${credential.text('api_secret') ?? ''}`),
    );
    return owner ? { type: 'verified', credentialId: owner.id } : { type: 'wrong', difference: 'password' };
  }
  const [first] = credentials;
  if (Array.isArray(allowed) && allowed.length > 0 && first) return { type: 'verified', credentialId: first.id };
  return { type: 'absent', canVerify: false };
}

function isSame(given: Uint8Array, expected: string): boolean {
  const bytes = Buffer.from(expected);
  return given.length === bytes.length && timingSafeEqual(given, bytes);
}

function isAllowed(address: string, networks: readonly string[]): boolean {
  // A dual-stack listener writes IPv4 peers as ::ffff:1.2.3.4 (RFC 4291, 2.5.5.2).
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  const list = new BlockList();
  for (const network of networks) {
    const [base = '', prefix] = network.split('/');
    const family = isIP(base);
    if (family === 0) continue;
    const type = family === 4 ? 'ipv4' : 'ipv6';
    const bits = prefix === undefined ? null : Number(prefix);
    if (bits === null) list.addAddress(base, type);
    else if (bits <= (family === 4 ? 32 : 128)) list.addSubnet(base, bits, type);
  }
  const family = isIP(plain);
  return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** Exotel "Voice v1: StatusCallback"; what is not here changes nothing. */
const CHANGES: Readonly<Record<string, CallChange>> = {
  ringing: { type: 'ringing' },
  'in-progress': { type: 'answered' },
  answered: { type: 'answered' },
  completed: ended('caller_hung_up'),
  busy: ended('busy'),
  'no-answer': ended('no_answer'),
  canceled: ended('cancelled'),
  failed: ended('carrier_failed'),
};

function readReport(request: WebhookRequest): CallReport {
  const { parameters } = request;
  const { CallSid, AccountSid, Status, CallStatus, EventType, CustomField } = parameters;
  const status = (EventType === 'answered' ? EventType : (Status ?? CallStatus ?? EventType))?.toLowerCase();
  return {
    providerCallId: CallSid ?? null,
    contextId: parseContextId(CustomField?.trim() ?? ''),
    account: AccountSid === undefined ? null : { key: 'account_sid', value: AccountSid },
    name: status?.slice(0, 40) ?? 'unnamed',
    change: readConnectResult(request) ?? CHANGES[status ?? ''] ?? null,
  };
}

function ended(reason: EndReason): CallChange {
  return { type: 'ended', reason };
}
