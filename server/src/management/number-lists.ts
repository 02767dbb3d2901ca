import { maskNumber } from '../core/call/caller-number.ts';
import { AppError } from '../core/errors.ts';
import type { NumberListEntryId } from '../core/ids.ts';
import { listedNumber, type NumberListEntry, type NumberListName } from '../core/number-list/number-list.ts';
import type { NumberListRepository } from '../core/ports/number-list-repository.ts';
import { type Actor, announceChange, type ChangeParts } from './change.ts';

export type NumberListParts = ChangeParts & { readonly numberLists: NumberListRepository };

export type NumberListWish = {
  readonly id: NumberListEntryId;
  readonly list: NumberListName;
  readonly number: string;
  readonly note: string;
};

/** Puts a number on a list; again is fine. @throws AppError invalid_parameters. */
export async function addListedNumber(
  parts: NumberListParts,
  actor: Actor,
  { number, ...wish }: NumberListWish,
): Promise<NumberListEntry> {
  const { projectId } = actor;
  const entry = await parts.numberLists.add({ ...wish, projectId, number: listedNumber(number) });
  await announce(parts, actor, 'number-list.added', entry);
  return entry;
}

/** @throws AppError not_found. */
export async function removeListedNumber(
  parts: NumberListParts,
  actor: Actor,
  list: NumberListName,
  id: NumberListEntryId,
): Promise<void> {
  if (!(await parts.numberLists.remove(actor.projectId, list, id))) {
    throw new AppError('not_found', { detail: 'the list has no entry with this id' });
  }
  await announce(parts, actor, 'number-list.removed', { id, list, number: null });
}

type Subject = Pick<NumberListEntry, 'id' | 'list'> & { readonly number: string | null };

function announce(parts: NumberListParts, actor: Actor, action: string, { id, list, number }: Subject): Promise<void> {
  const detail = { list, ...(number !== null && { number: maskNumber(number) }) };
  return announceChange(
    parts,
    actor,
    { action, subject: id, detail },
    { type: 'project.changed', projectId: actor.projectId },
  );
}
