import type { EndReason } from '../../core/call/call.ts';
import type { CallContext } from '../../core/call/call-context.ts';
import { normaliseCaller } from '../../core/call/caller-number.ts';
import { AppError } from '../../core/errors.ts';
import { parseContextId } from '../../core/ids.ts';
import type {
  AnsweredBy,
  CallChange,
  CallReport,
  CallWebhook,
  IncomingCall,
  Verdict,
  Verification,
  WebhookRequest,
} from '../../core/ports/channel.ts';
import { verifyTwilioSignature } from './signature.ts';
import { HANG_UP_TWIML, readDialResult } from './transfer.ts';
import { connectStreamTwiml, type StreamContext } from './twiml.ts';

/** Phase 1 and status callbacks of Twilio: form in, TwiML out, signed by the account's auth token. */
export const twilioCallWebhook: CallWebhook = {
  needsPublicHost: true,
  read,
  verify,
  readReport,
  answer: (context, publicHost) => {
    if (publicHost === null) throw new AppError('not_configured', { detail: 'set PUBLIC_ASSISTANT_HOST' });
    const body = connectStreamTwiml(context, publicHost);
    return { status: 200, headers: XML, body };
  },
  afterTransfer: (context, publicHost) => ({
    status: 200,
    headers: XML,
    body: context === null ? HANG_UP_TWIML : connectStreamTwiml(otherParty(context), publicHost ?? ''),
  }),
};

const XML = { 'content-type': 'text/xml; charset=utf-8' };

/** The document names the other party: of a call that we placed that is whom we called. */
function otherParty(context: CallContext): StreamContext {
  return context.direction === 'outbound' ? { ...context, from: context.to } : context;
}

/** Facts about the caller worth keeping beside the call. */
const KEPT = ['CallerName', 'ForwardedFrom', 'StirVerstat', 'FromCity', 'FromState', 'FromCountry', 'ParentCallSid'];
const MOST_SIP_HEADERS = 20;

function read({ parameters }: WebhookRequest): IncomingCall {
  const sipHeaders = Object.keys(parameters).filter((name) => name.startsWith('SipHeader_'));
  const kept = [...KEPT, ...sipHeaders.slice(0, MOST_SIP_HEADERS)];
  return {
    from: normaliseCaller(parameters['From'] ?? parameters['Caller'] ?? parameters['from']),
    to: normaliseCaller(parameters['To'] ?? parameters['Called'] ?? parameters['to']),
    providerCallId: parameters['CallSid']?.trim() || null,
    metadata: Object.fromEntries(kept.flatMap((name) => (parameters[name] ? [[name, parameters[name]]] : []))),
  };
}

/** Twilio signs every request, so one without a signature is never Twilio's. */
function verify({ request, publicHost, credentials }: Verification): Verdict {
  const signature = request.headers['x-twilio-signature'];
  if (!signature) return { type: 'absent', canVerify: true };
  const accountSid = request.parameters['AccountSid'];
  const ofAccount = credentials.filter(
    (credential) => accountSid === undefined || credential.text('account_sid') === accountSid,
  );
  if (publicHost === null || ofAccount.length === 0) return { type: 'wrong', difference: 'account' };
  let difference = 'account';
  for (const credential of ofAccount) {
    const verdict = verifyTwilioSignature(
      {
        publicHost,
        rawTarget: request.rawTarget,
        scheme: 'https',
        formFields: formFields(request),
        jsonBody: isJson(request) ? request.rawBody : null,
      },
      signature,
      [credential.text('account_token') ?? ''],
    );
    if (verdict.isValid) return { type: 'verified', credentialId: credential.id };
    difference = verdict.difference;
  }
  return { type: 'wrong', difference };
}

function formFields({ rawBody, headers }: WebhookRequest): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '');
  if (!isForm) return fields;
  for (const [name, value] of new URLSearchParams(Buffer.from(rawBody).toString())) {
    fields.set(name, [...(fields.get(name) ?? []), value]);
  }
  return fields;
}

function isJson({ headers, rawBody }: WebhookRequest): boolean {
  return rawBody.length > 0 && /^application\/json\b/i.test(headers['content-type'] ?? '');
}

/** CallStatus as Twilio sends it (Call resource); what is not here changes nothing. */
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

/** AnsweredBy of answering machine detection: human, fax, unknown, machine_start, machine_end_beep and the like. */
function readAnsweredBy(word: string | undefined): { readonly answeredBy?: AnsweredBy } {
  if (!word) return {};
  const who = /^machine_/.test(word) ? 'machine' : word === 'fax' || word === 'human' ? word : 'unknown';
  return { answeredBy: { who, word: word.slice(0, 40) } };
}

function readReport(request: WebhookRequest): CallReport {
  const { parameters } = request;
  const { CallSid, AccountSid, CallStatus, StreamEvent, AnsweredBy } = parameters;
  // Stream callbacks carry no CallStatus; the stream's own socket tells its end better.
  const own = CHANGES[CallStatus ?? ''] ?? null;
  const change = StreamEvent ? null : (readDialResult(request) ?? own);
  return {
    providerCallId: CallSid ?? null,
    contextId: parseContextId(parameters['contextId'] ?? ''),
    account: AccountSid === undefined ? null : { key: 'account_sid', value: AccountSid },
    name: (StreamEvent ?? CallStatus ?? AnsweredBy)?.slice(0, 40) ?? 'unnamed',
    change,
    ...readAnsweredBy(AnsweredBy),
  };
}

function ended(reason: EndReason): CallChange {
  return { type: 'ended', reason };
}
