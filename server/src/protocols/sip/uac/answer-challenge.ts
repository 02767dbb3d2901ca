import type { DigestClient } from '../../digest/digest-client.ts';
import type { ChallengeAnswerer } from '../agent-core.ts';
import { headersOf } from '../message/message.ts';

/** Lets a digest client answer 401 by Authorization and 407 by Proxy-Authorization (RFC 3261, 22.2 and 22.3). */
export function answerWithDigest(client: DigestClient): ChallengeAnswerer {
  return (response, request) => {
    const isProxy = response.status === 407;
    const name = isProxy ? 'Proxy-Authorization' : 'Authorization';
    const challenges = headersOf(response, isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate');
    const answers = client.answer(challenges, { method: request.method, uri: request.uri }, headersOf(request, name));
    return answers.map((value) => ({ name, value }));
  };
}
