import type { SealedSecretStore } from '../../core/ports/sealed-secret-store.ts';

/** The secrets of several tables as one store: for turning over the key that wraps them all. */
export function joinSecretStores(stores: readonly SealedSecretStore[]): SealedSecretStore {
  return {
    usedKeyIds: async () => {
      const ids = await Promise.all(stores.map((store) => store.usedKeyIds()));
      return Array.from(new Set(ids.flat()));
    },
    listWrappedByOthers: async (keyId) => {
      for (const store of stores) {
        const page = await store.listWrappedByOthers(keyId);
        if (page.length > 0) return page;
      }
      return [];
    },
    replace: async (read, rewrapped) => {
      for (const store of stores) if (await store.replace(read, rewrapped)) return true;
      return false;
    },
  };
}
