import type { CallContext } from '../../core/call/call-context.ts';

/** What the document tells about a call; `from` is the other party. */
export type StreamContext = Pick<CallContext, 'contextId' | 'conversationId' | 'assistantId' | 'from'>;

/**
 * The document that opens a bidirectional Media Stream, element for element as the manual prints it. Twilio ignores
 * statusCallbackEvent here (it is no attribute of Stream in its own types) and sends stream events.
 */
export function connectStreamTwiml(context: StreamContext, publicHost: string): string {
  const path = `${publicHost}/v1/talk/twilio/ctx/${context.contextId}`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Connect>
    <Stream url="wss://${path}"
            name="${context.assistantId}__${context.conversationId}"
            statusCallback="https://${path}/event"
            statusCallbackEvent="initiated ringing answered completed">
      <Parameter name="assistant_id" value="${context.assistantId}"/>
      <Parameter name="client_number" value="${escapeXml(context.from ?? '')}"/>
    </Stream>
  </Connect>
</Response>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Escapes text for an attribute or element, and drops what XML 1.0 cannot hold (section 2.2). */
export function escapeXml(text: string): string {
  return Array.from(text, (char) => (isXmlChar(char) ? (ENTITIES[char] ?? char) : '')).join('');
}

function isXmlChar(char: string): boolean {
  const code = char.codePointAt(0) ?? 0;
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  const isControl = code < 0x20 && char !== '\t' && char !== '\n' && char !== '\r';
  return !isSurrogate && !isControl && code !== 0xfffe && code !== 0xffff;
}
