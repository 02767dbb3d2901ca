import type { OpenCredential } from '../../core/credential/credential.ts';
import { AppError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CredentialCheck } from '../../core/ports/credential-check.ts';
import type { Random } from '../../core/ports/random.ts';
import { parseSipUri } from '../../protocols/sip/message/sip-uri.ts';
import { openStreamTransport } from '../../protocols/sip/transport/stream-transport.ts';
import { openUdpTransport } from '../../protocols/sip/transport/udp-transport.ts';
import { locateServer } from '../../protocols/sip/uac/locate-server.ts';
import { UserAgent } from '../../protocols/sip/user-agent.ts';
import { AdvertisedAddress } from './advertised-address.ts';
import { dnsResolver } from './dns-resolver.ts';
import { wordsOf } from './outbound-refusal.ts';
import { trunkRoute, trunkUri } from './outbound-route.ts';
import { CONTACT_USER } from './registrations.ts';

export type TrunkCheckParts = { readonly clock: Clock; readonly random: Random };

/** How an account at a trunk stands, by the trunk's own word. `contacts`: of ours, where it is to be registered; else null. */
export type TrunkStanding = { readonly contacts: number | null; readonly detail: string };

/** Asks a trunk whether it is there and, where we register, whether it takes the account and has a contact of ours. */
export function sipCredentialCheck(parts: TrunkCheckParts): CredentialCheck {
  return async (trunk, signal) => (await askTrunk(parts, trunk, signal)).detail;
}

/** @throws AppError carrier_failed when the trunk does not answer, or does not take the account. */
export async function askTrunk(
  parts: TrunkCheckParts,
  trunk: OpenCredential,
  signal: AbortSignal,
): Promise<TrunkStanding> {
  await using agent = await openAgent(parts, trunk);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const stop = () => reject(silent(trunk));
  signal.addEventListener('abort', stop);
  try {
    const asked =
      trunk.text('register') === 'true' ? askRegistrar(parts, agent, trunk) : askWhetherItIsThere(agent, trunk);
    return await Promise.race([asked, late]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function askRegistrar({ random }: TrunkCheckParts, agent: UserAgent, trunk: OpenCredential) {
  const username = trunk.text('username');
  if (username === null)
    throw new AppError('carrier_failed', { detail: 'it is to be registered, and has no username' });
  const numbers = { to: username, from: username };
  const { from, credentials } = trunkRoute(trunk, numbers, (count) => random.bytes(count));
  const asked = { registrar: trunkUri(trunk), aor: from.uri, ...(credentials ? { credentials } : {}) };
  const { status, contacts } = await agent.bindings(asked);
  if (status === null) throw silent(trunk);
  if (status === 401 || status === 403 || status === 407)
    throw new AppError('carrier_failed', { detail: `${wordsOf(status)}: it does not take username and password` });
  if (status >= 300)
    throw new AppError('carrier_failed', { detail: `asked for its registrations, ${wordsOf(status)}` });
  const ours = contacts.filter((uri) => CONTACT_USER.test(parseSipUri(uri)?.user ?? '')).length;
  return {
    contacts: ours,
    detail: ours > 0 ? 'registered: calls to it come to us' : 'it takes the account, which is not registered now',
  };
}

async function askWhetherItIsThere(agent: UserAgent, trunk: OpenCredential): Promise<TrunkStanding> {
  const target = trunkUri(trunk);
  const from = trunkUri(trunk, trunk.text('username') ?? 'ping');
  const isUp = await new Promise<boolean>((resolve) => {
    agent.probe({ target, from, changed: resolve });
  });
  if (!isUp) throw silent(trunk);
  return { contacts: null, detail: 'it answers; a password shows in the first call' };
}

/** On ports of its own, for one question. Nobody calls it. @throws AppError carrier_failed when the trunk's name leads nowhere. */
async function openAgent({ clock, random }: TrunkCheckParts, trunk: OpenCredential): Promise<UserAgent> {
  const isTls = trunk.text('transport') === 'tls';
  const protocols = isTls ? (['TLS'] as const) : (['UDP', 'TCP'] as const);
  const below = (limit: number) => random.below(limit);
  const targets = await locateServer(trunkUri(trunk), { resolver: dnsResolver, protocols, below }).catch(() => []);
  const address = targets[0]?.address.includes(':') ? '::' : '0.0.0.0';
  const addresses = new AdvertisedAddress({ bindHost: address, externalIp: null, localNets: [] });
  const learnt = await Promise.allSettled(targets.map((target) => addresses.learn(target.address)));
  if (!learnt.some(({ status }) => status === 'fulfilled')) throw silent(trunk);
  const agent = new UserAgent({
    clock,
    random,
    resolver: dnsResolver,
    product: 'assistant-api',
    advertise: (remote, local) => ({ host: addresses.of(remote.address, local.address), port: local.port }),
    onInvite: (call) => call.reject(480),
  });
  const bind = { address, port: 0 };
  const events = agent.transportEvents;
  if (isTls) agent.listen(await openStreamTransport(bind, { clock, tls: { cert: '', key: '' } }, events));
  else {
    agent.listen(await openUdpTransport(bind, events));
    agent.listen(await openStreamTransport(bind, { clock }, events));
  }
  return agent;
}

function silent(trunk: OpenCredential): AppError {
  return new AppError('carrier_failed', { detail: `${trunk.text('host')} does not answer, or its name leads nowhere` });
}
