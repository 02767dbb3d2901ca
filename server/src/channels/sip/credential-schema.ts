import type { CredentialSchema } from '../../core/credential/credential.ts';
import type { Field } from '../../core/form/field.ts';

const HOST = /^([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])$/i;
const NETWORK = /^[0-9a-fA-F.:]+(\/\d{1,3})?$/;

/** A SIP trunk: who it is reached by, and which addresses it calls from. */
export const sipCredentialSchema: CredentialSchema = {
  provider: 'sip',
  title: 'SIP trunk',
  fields: [
    {
      key: 'host',
      help: 'Host name or address of the trunk.',
      isRequired: true,
      form: { pattern: HOST, words: 'must be a host name or an address' },
    },
    { key: 'port', help: 'Port; 5060 when left out.', type: 'integer', range: { min: 1, max: 65_535 } },
    { key: 'transport', help: 'udp when left out.', choices: ['udp', 'tcp', 'tls'] },
    { key: 'username', help: 'User name of digest authentication.' },
    { key: 'password', help: 'Password of digest authentication.', isSecret: true },
    {
      key: 'register',
      help: 'Whether we register there, so that calls to the account come to us.',
      choices: ['false', 'true'],
    },
    {
      key: 'qualify',
      help: 'Whether it is asked each minute, by OPTIONS, if it is there: metric sip_trunks, and a log line when it changes.',
      choices: ['false', 'true'],
    },
    {
      key: 'caller_id',
      help: 'Where the calling number stands; where it is not from, From holds the username. from when left out.',
      choices: ['from', 'p-asserted-identity', 'p-preferred-identity'],
    },
    { key: 'realm', help: 'Realm, where the trunk wants a certain one.' },
    {
      key: 'allow_cidrs',
      help: 'Networks the trunk may call from without a password, each on a line.',
      type: 'list',
      form: { pattern: NETWORK, words: 'must hold IP addresses or networks like 203.0.113.0/24' },
    },
  ],
};

/** What a deployment over SIP may be told. */
export const sipSettingsSchema: readonly Field[] = [
  {
    key: 'transfer',
    help: 'How callers are handed over: refer asks the other side to call, bridge calls and stays between both, auto tries in this order.',
    choices: ['auto', 'refer', 'bridge'],
  },
];
