import type { CredentialSchema } from '../../core/credential/credential.ts';
import type { Field } from '../../core/form/field.ts';
import { TRANSFER_SETTING } from './transfer.ts';

const HOST = /^[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?$/i;
const ADDRESS = /^[0-9a-fA-F.:]+(\/\d{1,3})?$/;

/** An Exotel account. */
export const exotelCredentialSchema: CredentialSchema = {
  provider: 'exotel',
  title: 'Exotel',
  fields: [
    {
      key: 'api_key',
      help: 'API key, from API settings.',
      isRequired: true,
      isSecret: true,
      aliases: ['client_id'],
    },
    {
      key: 'api_secret',
      help: 'API token that belongs to the key.',
      isRequired: true,
      isSecret: true,
      aliases: ['client_secret'],
    },
    { key: 'account_sid', help: 'Account SID.', isRequired: true },
    {
      key: 'subdomain',
      help: 'Host of the API: api.exotel.com when left out, api.in.exotel.com for Mumbai.',
      form: { pattern: HOST, words: 'must be a host name' },
    },
    {
      key: 'app_id',
      help: 'Id of the flow that outgoing calls start; without it they stream straight to this server.',
    },
  ],
};

/** What a deployment on Exotel may be told. */
export const exotelSettingsSchema: readonly Field[] = [
  { key: 'response', help: 'Form of the answer; auto goes by the request.', choices: ['auto', 'json', 'xml'] },
  { key: 'audio', help: 'Form of the audio; auto goes by what arrives.', choices: ['auto', 'mulaw', 'linear'] },
  {
    key: TRANSFER_SETTING.key,
    help: 'How callers are handed over: connect_applet where a Connect applet behind ours asks this server for the number.',
    choices: ['off', TRANSFER_SETTING.byFlow],
  },
  {
    key: 'allowed_addresses',
    help: 'Addresses or networks (CIDR) that webhooks may come from, each on a line. With it set all others are refused.',
    type: 'list',
    form: { pattern: ADDRESS, words: 'must hold IP addresses or networks like 203.0.113.0/24' },
  },
];
