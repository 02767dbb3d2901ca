import type { EndReason } from '../../core/call/call.ts';
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
import { connectWebsocketNcco } from './ncco.ts';
import { SeenTokenIds, verifySignedWebhook } from './signed-webhook.ts';
import { isAboutTransfer, readTransferEvent } from './transfer.ts';

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' };

/** Phase 1 and events of Vonage: query or JSON in, NCCO out, signed by the account's signature secret where there is one. */
export function vonageCallWebhook(): CallWebhook {
  const seen = new SeenTokenIds();
  return {
    needsPublicHost: true,
    read,
    verify: (verification) => verify(verification, seen),
    readReport,
    answer: (context, publicHost) => {
      if (publicHost === null) throw new AppError('not_configured', { detail: 'set PUBLIC_ASSISTANT_HOST' });
      const body = connectWebsocketNcco(context, publicHost);
      return { status: 200, headers: JSON_HEADERS, body };
    },
    // Without an NCCO in the answer the present one goes on, and has no further action.
    afterTransfer: (context, publicHost) =>
      context === null
        ? { status: 204, headers: {}, body: '' }
        : { status: 200, headers: JSON_HEADERS, body: connectWebsocketNcco(context, publicHost ?? '') },
  };
}

function read({ parameters }: WebhookRequest): IncomingCall {
  const { conversation_uuid: conversation, region_url: region } = parameters;
  return {
    from: normaliseCaller(parameters['from']),
    to: normaliseCaller(parameters['to']),
    providerCallId: parameters['uuid']?.trim() || null,
    metadata: { ...(conversation && { conversation_uuid: conversation }), ...(region && { region_url: region }) },
  };
}

async function verify({ request, credentials, nowMs }: Verification, seen: SeenTokenIds): Promise<Verdict> {
  const { method, rawTarget, rawBody } = request;
  const signers = credentials.filter((credential) => credential.text('signature_secret') !== null);
  const authorization = request.headers['authorization'];
  if (signers.length === 0 || !/^Bearer /i.test(authorization ?? '')) {
    return { type: 'absent', canVerify: signers.length > 0 };
  }
  const differences: string[] = [];
  for (const credential of signers) {
    const signer = {
      signatureSecret: credential.text('signature_secret') ?? '',
      apiKey: credential.text('api_key') ?? '',
      applicationId: credential.text('application_id') ?? '',
    };
    const verdict = await verifySignedWebhook({ authorization, method, rawTarget, rawBody }, signer, seen, nowMs);
    if (verdict.isValid) return { type: 'verified', credentialId: credential.id };
    differences.push(verdict.difference);
  }
  // Of several accounts the one whose secret fitted says most.
  return { type: 'wrong', difference: differences.find((each) => each !== 'signature') ?? 'signature' };
}

/** Vonage "Webhook reference": voice event statuses; what is not here changes nothing. */
const CHANGES: Readonly<Record<string, CallChange>> = {
  ringing: { type: 'ringing' },
  answered: { type: 'answered' },
  busy: ended('busy'),
  cancelled: ended('cancelled'),
  unanswered: ended('no_answer'),
  timeout: ended('no_answer'),
  rejected: ended('rejected'),
  failed: ended('carrier_failed'),
  completed: ended('caller_hung_up'),
};

/** The verdict of machine detection, and later the beep (Vonage "Webhook reference": human/machine). */
function readAnsweredBy(status: string | undefined, subState = ''): { readonly answeredBy?: AnsweredBy } {
  if (status !== 'human' && status !== 'machine') return {};
  return { answeredBy: { who: status, word: `${status} ${subState}`.trim().slice(0, 40) } };
}

function readReport(request: WebhookRequest): CallReport {
  const { parameters } = request;
  const isOfTransfer = isAboutTransfer(request);
  // human and machine carry call_uuid in the place of uuid.
  const { uuid, call_uuid: callUuid, status, sub_state: subState, application_id: applicationId } = parameters;
  return {
    // The leg that is dialled has an id of its own; the address names the call.
    providerCallId: isOfTransfer ? null : (uuid ?? callUuid ?? null),
    contextId: parseContextId(parameters['contextId'] ?? ''),
    account: applicationId === undefined ? null : { key: 'application_id', value: applicationId },
    name: status?.slice(0, 40) ?? 'unnamed',
    change: isOfTransfer ? readTransferEvent(request) : (CHANGES[status ?? ''] ?? null),
    ...(!isOfTransfer && readAnsweredBy(status, subState)),
  };
}

function ended(reason: EndReason): CallChange {
  return { type: 'ended', reason };
}
