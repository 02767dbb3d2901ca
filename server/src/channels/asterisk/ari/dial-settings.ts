import type { OpenCredential } from '../../../core/credential/credential.ts';
import type { DialSettings } from './endpoint.ts';

/** The dialling keys of an account. */
export function dialSettings(credential: OpenCredential): DialSettings {
  const technology = credential.text('endpoint_technology');
  const trunk = credential.text('trunk');
  const template = credential.text('endpoint_template');
  return {
    ...(technology && { endpoint_technology: technology }),
    ...(trunk && { trunk }),
    ...(template && { endpoint_template: template }),
  };
}
