import type { CredentialSchema } from '../../core/credential/credential.ts';
import type { Field } from '../../core/form/field.ts';

/** An Asterisk that places calls for us over its REST interface. */
export const asteriskCredentialSchema: CredentialSchema = {
  provider: 'asterisk',
  title: 'Asterisk (ARI)',
  fields: [
    {
      key: 'ari_url',
      help: 'ARI base URL, for example http://asterisk.local:8088.',
      isRequired: true,
      form: {
        pattern: /^https?:\/\/[^\s/@?#]+(\/[^\s?#]*)?$/,
        words: 'must be an http or https URL without a password in it',
      },
    },
    { key: 'ari_user', help: 'ARI username.', isRequired: true },
    { key: 'ari_password', help: 'ARI password.', isRequired: true, isSecret: true },
    { key: 'endpoint_technology', help: 'Channel technology; PJSIP when left out.' },
    { key: 'trunk', help: 'SIP trunk name: calls go to PJSIP/number@trunk.' },
    { key: 'endpoint_template', help: 'Overrides both: {number} and {trunk} are filled in.' },
  ],
};

/** What a deployment on Asterisk may be told. */
export const asteriskSettingsSchema: readonly Field[] = [
  {
    key: 'transport',
    help: 'How the audio of outgoing calls comes; audiosocket when left out.',
    choices: ['audiosocket', 'websocket'],
  },
  {
    key: 'context',
    help: 'Dialplan context of outgoing calls: rapida-outbound, or rapida-outbound-ws, when left out.',
  },
  { key: 'extension', help: 'Extension in that context; s when left out.' },
  {
    key: 'transfer_context',
    help: 'Dialplan context whose Bridge() joins a caller with whom it is handed to; rapida-transfer when left out.',
  },
  {
    key: 'transfer_endpoint',
    help: 'Whom a transfer dials: {number} and {trunk} are filled in, for example PJSIP/{number}. As outgoing calls when left out.',
  },
];
