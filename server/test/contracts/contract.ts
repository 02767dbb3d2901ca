import { describe, test } from 'vitest';

/** One promise of a port: its name in plain words, and a check that throws when the subject breaks it. */
export type ContractPromise<Subject> = {
  readonly name: string;
  readonly check: (subject: Subject) => Promise<void>;
};

/** What a suite tests, made anew for each promise and closed after it. */
export type Opened<Subject> = { readonly subject: Subject; readonly close: () => Promise<void> };

/** Makes each promise a test against a subject of its own. */
export function contractTests<Subject>(
  title: string,
  promises: readonly ContractPromise<Subject>[],
  open: () => Promise<Opened<Subject>>,
): void {
  describe(title, () => {
    for (const promise of promises) {
      test(promise.name, async () => {
        await keep(promise, open);
      });
    }
  });
}

/** The names of the promises that a subject breaks: shows that a contract turns red on a broken implementation. */
export async function brokenPromises<Subject>(
  promises: readonly ContractPromise<Subject>[],
  open: () => Promise<Opened<Subject>>,
): Promise<string[]> {
  const broken: string[] = [];
  for (const promise of promises) {
    try {
      await keep(promise, open);
    } catch {
      broken.push(promise.name);
    }
  }
  return broken;
}

async function keep<Subject>(promise: ContractPromise<Subject>, open: () => Promise<Opened<Subject>>): Promise<void> {
  const { subject, close } = await open();
  try {
    await promise.check(subject);
  } finally {
    await close();
  }
}
