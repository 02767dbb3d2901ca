import { comparableNumber } from '../deployment/deployment.ts';
import { AppError } from '../errors.ts';
import type { NumberListEntryId, ProjectId } from '../ids.ts';

/** do_not_call: nobody of the project calls them. blocked_callers: their calls are refused. */
export const NUMBER_LISTS = ['do_not_call', 'blocked_callers'] as const;
export type NumberListName = (typeof NUMBER_LISTS)[number];

/** A number a project wants nothing to do with, in one direction. */
export type NumberListEntry = {
  readonly id: NumberListEntryId;
  readonly projectId: ProjectId;
  readonly list: NumberListName;
  /** As `listedNumber` makes it. */
  readonly number: string;
  readonly note: string;
  readonly createdAt: Date;
};

const LONGEST = 128;

/** A number as lists hold it, so that `+1 (555) 0100` and `15550100` are one. @throws AppError invalid_parameters, without the number. */
export function listedNumber(text: string): string {
  const number = comparableNumber(text);
  if (number !== '' && number.length <= LONGEST) return number;
  throw new AppError('invalid_parameters', {
    detail: 'number: write it as + country and number, or as the carrier does',
  });
}
