import type pg from 'pg';

/** Longer than any job takes: whoever still holds one is dead. */
const DEAD_AFTER_SECONDS = 120;

/**
 * Takes away what workers of dead processes hold, and jobs that have used their one attempt: the rows they were to wake are
 * found by the sweep. Returns how many jobs went. Source: graphile-worker, "Admin functions": force_unlock_workers, complete_jobs.
 */
export async function unlockDeadWorkers(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ worker: string }>(
    `select distinct locked_by as worker from graphile_worker.jobs
     where locked_at < now() - make_interval(secs => $1)`,
    [DEAD_AFTER_SECONDS],
  );
  if (rows.length > 0) {
    await pool.query('select graphile_worker.force_unlock_workers($1::text[])', [rows.map(({ worker }) => worker)]);
  }
  const { rowCount } = await pool.query(
    `select from graphile_worker.complete_jobs(array(
       select id from graphile_worker.jobs where locked_at is null and attempts >= max_attempts limit 1000))`,
  );
  return rowCount ?? 0;
}
