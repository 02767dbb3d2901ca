import type { ProjectId } from '../ids.ts';

export type IdempotentRequest = {
  readonly projectId: ProjectId;
  readonly key: string;
  /** Method, address and body: what the key was first sent with. */
  readonly request: string;
};

export type BegunRequest = {
  /** The id given by the first try. */
  readonly resourceId: string;
  /** What the first try was answered; null when it was not answered yet, or died. */
  readonly answer: { readonly status: number; readonly body: Readonly<Record<string, unknown>> } | null;
};

/** Requests with an Idempotency-Key, remembered for a day. */
export interface IdempotencyStore {
  /** @throws AppError conflict when the key was sent with another request. */
  begin(request: IdempotentRequest, newId: string): Promise<BegunRequest>;
  /** Forgets keys that are a day old, some thousands at a time. Returns how many. */
  purge(): Promise<number>;
  /** The first answer stays. */
  finish(
    request: Pick<IdempotentRequest, 'projectId' | 'key'>,
    status: number,
    body: Readonly<Record<string, unknown>>,
  ): Promise<void>;
}
