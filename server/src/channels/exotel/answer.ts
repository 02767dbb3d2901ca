import type { CallContext } from '../../core/call/call-context.ts';
import type { FieldValues } from '../../core/form/field.ts';
import type { WebhookAnswer, WebhookRequest } from '../../core/ports/channel.ts';

type Format = 'json' | 'xml';

/** Parameters that only Exotel's applets send: with one of them present the dynamic URL's JSON is wanted. */
const APPLET_PARAMETERS = [
  'flow_id',
  'tenant_id',
  'Created',
  'CurrentTime',
  'StartTime',
  'DialWhomNumber',
  'CallType',
  'CustomField',
];

/**
 * Tells Exotel where to bring the audio: as the JSON its Voicebot applet asks for, or as the manual's passthru XML. By
 * `?format=`, then the Accept header, then the parameters of the applet. Source: Exotel "Voicebot applet", "ExoML: Stream".
 */
export function exotelAnswer(
  context: CallContext,
  publicHost: string,
  request: WebhookRequest,
  settings: FieldValues = {},
): WebhookAnswer {
  const url = `wss://${publicHost}/v1/talk/exotel/ctx/${context.contextId}${audioQuery(settings['audio'])}`;
  return chooseFormat(request, settings['response']) === 'json'
    ? { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ url }) }
    : { status: 200, headers: { 'content-type': 'text/xml; charset=utf-8' }, body: streamXml(url) };
}

/** A deployment's setting comes first: whoever made it knows the flow. */
function chooseFormat(request: WebhookRequest, setting: unknown): Format {
  if (setting === 'json' || setting === 'xml') return setting;
  const asked = request.parameters['format'];
  if (asked === 'json' || asked === 'xml') return asked;
  const accept = request.headers['accept'] ?? '';
  if (/\bjson\b/i.test(accept)) return 'json';
  if (/\bxml\b/i.test(accept)) return 'xml';
  return APPLET_PARAMETERS.some((name) => request.parameters[name] !== undefined) ? 'json' : 'xml';
}

/** The stream's own socket reads it back: the form of the audio where a deployment names one. */
function audioQuery(audio: unknown): string {
  return audio === 'mulaw' || audio === 'linear' ? `?audio=${audio}` : '';
}

function streamXml(url: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<Flow><StartStream streamType="bidirectional" url="${url}" contentType="audio/x-mulaw;rate=8000"/></Flow>
`;
}
