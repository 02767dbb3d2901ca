import type { AgentCore, ChallengeAnswerer } from '../agent-core.ts';
import type { RequestDraft } from '../dialog/dialog.ts';
import { randomToken } from '../environment.ts';
import { DEFAULT_MAX_FORWARDS, NO_BODY } from '../message/message.ts';
import { withTag } from '../message/name-address.ts';
import { contactsOf } from '../message/typed-headers.ts';
import { SendingRequest } from './send-request.ts';

export type BindingsOptions = {
  /** The registrar, `sip:pbx.example.com`. */
  readonly registrar: string;
  /** Whose contacts are asked for: `sip:100@pbx.example.com`. */
  readonly aor: string;
  readonly credentials?: ChallengeAnswerer;
};

/** `status` null: nobody answered within 32 s, or the name leads nowhere. `contacts`: URIs, of a 200 only. */
export type Bindings = { readonly status: number | null; readonly contacts: readonly string[] };

/** Asks a registrar, once, which contacts it has for an address: a REGISTER without one changes nothing (RFC 3261, 10.2.3). Never throws. */
export function askBindings(core: AgentCore, options: BindingsOptions): Promise<Bindings> {
  const { promise, resolve } = Promise.withResolvers<Bindings>();
  new SendingRequest(core, draftOf(core, options), {
    ...(options.credentials ? { credentials: options.credentials } : {}),
    handlers: {
      response: (response) => {
        if (response.status < 200) return;
        const contacts = response.status < 300 ? contactsOf(response) : [];
        resolve({ status: response.status, contacts: contacts === '*' ? [] : contacts.map(({ uri }) => uri) });
      },
      failed: () => resolve({ status: null, contacts: [] }),
    },
  });
  return promise;
}

function draftOf({ random }: AgentCore, { registrar, aor }: BindingsOptions): RequestDraft {
  return {
    type: 'request',
    method: 'REGISTER',
    uri: registrar,
    maxForwards: DEFAULT_MAX_FORWARDS,
    from: withTag({ uri: aor, params: new Map() }, randomToken(random)),
    to: { uri: aor, params: new Map() },
    callId: randomToken(random),
    cseq: { number: 1, method: 'REGISTER' },
    headers: [],
    body: NO_BODY,
    nextHop: registrar,
  };
}
