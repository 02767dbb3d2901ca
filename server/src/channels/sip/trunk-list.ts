import type { BlockList } from 'node:net';
import type { CredentialId } from '../../core/ids.ts';
import { blockListOf, isListed } from './advertised-address.ts';
import type { SipAssistant, SipTrunk } from './ports.ts';

type Compiled = readonly { readonly trunk: SipTrunk; readonly networks: BlockList }[];

/** Finds the assistant of a call from the address of a trunk; the lists are compiled once for each array. */
export class TrunkList {
  #source: readonly SipTrunk[] | undefined;
  #compiled: Compiled = [];

  /** Of a call that came by our registration with this trunk: the entry with the number that was dialled, else one that takes any. */
  ofAccount(trunks: readonly SipTrunk[], credentialId: CredentialId, dialled: string | null): SipAssistant | null {
    return choose(
      trunks.filter((trunk) => trunk.credentialId === credentialId),
      dialled,
    );
  }

  /** The entry with the number that was dialled, else one that takes any. Null: the address is on no list, or nobody has the number. */
  find(trunks: readonly SipTrunk[], address: string, dialled: string | null): SipAssistant | null {
    if (this.#source !== trunks) {
      this.#source = trunks;
      this.#compiled = trunks.map((trunk) => ({ trunk, networks: blockListOf(trunk.allowCidrs) }));
    }
    const fitting = this.#compiled.filter(({ networks }) => isListed(networks, address)).map(({ trunk }) => trunk);
    return choose(fitting, dialled);
  }
}

function choose(fitting: readonly SipTrunk[], dialled: string | null): SipTrunk | null {
  const wanted = digitsOf(dialled);
  const exact = fitting.find(({ number }) => number !== null && wanted !== '' && digitsOf(number) === wanted);
  return exact ?? fitting.find(({ number }) => number === null) ?? null;
}

/** `+1 (555) 010-0000` and `15550100000` are the same number. */
function digitsOf(number: string | null): string {
  return (number ?? '').replace(/[^0-9A-Za-z*#]/g, '');
}
