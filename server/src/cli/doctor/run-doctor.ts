import { AppError } from '../../core/errors.ts';
import { runChecks } from './check.ts';
import type { DoctorOptions, DoctorTopic, DoctorWorld } from './topic.ts';
import { DOCTOR_TOPICS } from './topics.ts';

export type DoctorWish = { readonly topic: string; readonly options: DoctorOptions };

/** Prints what is found and sums it up. Resolves to the exit code: 1 where calls do not work. @throws AppError invalid_parameters. */
export async function runDoctor(
  world: DoctorWorld,
  wish: DoctorWish,
  say: (line: string) => void,
  topics: readonly DoctorTopic[] = DOCTOR_TOPICS,
): Promise<number> {
  const topic = topics.find(({ word }) => word === wish.topic);
  if (!topic) throw new AppError('invalid_parameters', { detail: `the doctor knows nothing of ${wish.topic}` });
  await using stack = new AsyncDisposableStack();
  const found = await runChecks(await topic.checks(world, wish.options, stack), { say });
  say('');
  say(`${found.ok} ok, ${found.warn} to look at, ${found.fail} to repair`);
  return found.fail > 0 ? 1 : 0;
}
