import type { NumberListEntryId, ProjectId } from '../ids.ts';
import type { NumberListEntry, NumberListName } from '../number-list/number-list.ts';

/** The numbers projects do not call, and those they take no calls from. */
export interface NumberListRepository {
  /** A number that is listed already is returned as it stands. */
  add(entry: Omit<NumberListEntry, 'createdAt'>): Promise<NumberListEntry>;
  /** Newest first; `limit` 1 to 200. @throws AppError invalid_parameters for a cursor that is none of ours. */
  list(query: {
    readonly projectId: ProjectId;
    readonly list: NumberListName;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<{ readonly entries: readonly NumberListEntry[]; readonly nextCursor: string | null }>;
  /** False when there is none. */
  remove(projectId: ProjectId, list: NumberListName, id: NumberListEntryId): Promise<boolean>;
  has(projectId: ProjectId, list: NumberListName, number: string): Promise<boolean>;
  /** The newest ones, at most 10,000. */
  numbers(projectId: ProjectId, list: NumberListName): Promise<readonly string[]>;
}
