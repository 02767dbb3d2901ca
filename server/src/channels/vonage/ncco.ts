import type { CallContext } from '../../core/call/call-context.ts';

/** The one wire format asked for: linear PCM, 16 kHz, little-endian, mono. */
export const VONAGE_SAMPLE_RATE = 16_000;

/**
 * The call control object that connects the caller to our WebSocket, key for key as the manual prints it. Built by hand:
 * the SDK's key transform would send content_type, and the wire's key is content-type.
 */
export function connectWebsocketNcco(context: Pick<CallContext, 'contextId'>, publicHost: string): string {
  return JSON.stringify([
    {
      action: 'connect',
      endpoint: [
        {
          type: 'websocket',
          uri: `wss://${publicHost}/v1/talk/vonage/ctx/${context.contextId}`,
          'content-type': `audio/l16;rate=${VONAGE_SAMPLE_RATE}`,
        },
      ],
    },
  ]);
}
