import { sql } from 'kysely';
import type { CallRecordBatch } from '../../core/ports/call-repository.ts';
import type { Database } from './pools.ts';
import { toStorableJson, toStorableText } from './storable-json.ts';

/** Rows of one statement: far below any timeout, and small enough to build without holding up the loop. */
const ROWS_PER_STATEMENT = 2_000;

/**
 * Writes turns, events and keys of many calls in one statement per 2000 rows, without waiting for the disk: a power cut
 * may cost the last half second of a transcript, never a call. A turn that comes again replaces itself, so a later word
 * on what was heard is kept; an event that comes again is the same one. Rows of calls that do not exist are left out.
 */
export async function appendRecords(db: Database, batch: readonly CallRecordBatch[]): Promise<void> {
  const turns = batch.flatMap(toTurnRows);
  const events = batch.flatMap(toEventRows);
  const digits = batch.filter(({ dtmf }) => dtmf !== '').map(({ contextId, dtmf }) => ({ contextId, dtmf }));
  const length = Math.max(turns.length, events.length, digits.length);
  for (let start = 0; start < length; start += ROWS_PER_STATEMENT) {
    const part = <Row>(rows: readonly Row[]) => rows.slice(start, start + ROWS_PER_STATEMENT);
    await insertPart(db, { turns: part(turns), events: part(events), digits: part(digits) });
  }
}

type Part = {
  readonly turns: readonly object[];
  readonly events: readonly object[];
  readonly digits: readonly object[];
};

async function insertPart(db: Database, part: Part): Promise<void> {
  // Repeats within one part: the last turn of an index wins, as it would have one after the other.
  await sql`
    with relaxed as materialized (select set_config('synchronous_commit', 'off', true)),
    turns as (
      insert into call_turns (context_id, index, role, started_at_ms, ended_at_ms, text, heard_text, was_interrupted,
                              source, waterfall)
      select distinct on (r.context_id, r.index) r.context_id, r.index, r.role, r.started, r.ended, r.text, r.heard,
             r.interrupted, r.source, r.waterfall
      from json_to_recordset(${toStorableJson(part.turns)}::json) as r(context_id uuid, index int, position int, role text,
             started float8, ended float8, text text, heard text, interrupted bool, source text, waterfall jsonb)
      join calls using (context_id)
      order by r.context_id, r.index, r.position desc
      on conflict (context_id, index) do update set
        role = excluded.role, started_at_ms = excluded.started_at_ms, ended_at_ms = excluded.ended_at_ms,
        text = excluded.text, heard_text = excluded.heard_text, was_interrupted = excluded.was_interrupted,
        source = excluded.source, waterfall = excluded.waterfall
    ),
    events as (
      insert into call_events (context_id, seq, at_ms, type, data)
      select r.context_id, r.seq, r.at, r.type, r.data
      from json_to_recordset(${toStorableJson(part.events)}::json)
             as r(context_id uuid, seq int, at float8, type text, data jsonb)
      join calls using (context_id)
      on conflict (context_id, seq) do nothing
    ),
    digits as (
      update calls set dtmf = r.dtmf
      from json_to_recordset(${toStorableJson(part.digits)}::json) as r("contextId" uuid, dtmf text)
      where calls.context_id = r."contextId" and length(r.dtmf) > length(calls.dtmf)
    )
    select count(*) from relaxed`.execute(db);
}

function toTurnRows({ contextId, turns }: CallRecordBatch): readonly object[] {
  return turns.map((turn, position) => ({
    context_id: contextId,
    index: turn.index,
    position,
    role: turn.role,
    started: finite(turn.startedAtMs),
    ended: finite(turn.endedAtMs),
    text: toStorableText(turn.text),
    heard: toStorableText(turn.heardText),
    interrupted: turn.wasInterrupted,
    source: turn.source,
    waterfall: turn.waterfall,
  }));
}

function toEventRows({ contextId, events }: CallRecordBatch): readonly object[] {
  return events.map(({ seq, atMs, type, data }) => ({
    context_id: contextId,
    seq,
    at: finite(atMs),
    type,
    data: data ?? null,
  }));
}

/** JSON knows no NaN and no Infinity: one of them would make the whole batch fail, again and again. */
function finite(milliseconds: number): number {
  return Number.isFinite(milliseconds) ? milliseconds : 0;
}
