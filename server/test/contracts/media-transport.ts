import { type ContractPromise, contractTests, type Opened } from './contract.ts';
import { mediaCallerPromises } from './media-caller-promises.ts';
import type { MediaHarness } from './media-harness.ts';
import { mediaPlayoutPromises } from './media-playout-promises.ts';

/** What every media transport promises, whoever owns the playout clock. */
export const mediaTransportPromises: readonly ContractPromise<MediaHarness>[] = [
  ...mediaPlayoutPromises,
  ...mediaCallerPromises,
];

/** Runs the contract; each promise opens a transport of its own. */
export function mediaTransportContract(title: string, open: () => Promise<Opened<MediaHarness>>): void {
  contractTests(title, mediaTransportPromises, open);
}
