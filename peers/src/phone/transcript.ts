import { setTimeout as sleep } from 'node:timers/promises';
import { httpGet } from '../http-get.ts';
import type { CallRecord } from '../server/call-record.ts';

const ENDED_WITHIN_MS = 3_000;
const POLL_MS = 100;

export type RecordRequest = { readonly url: string; readonly apiKey: string; readonly contextId: string };

/** The record of a call once it is ended; null when the server does not tell it. */
export async function fetchRecord({ url, apiKey, contextId }: RecordRequest): Promise<CallRecord | null> {
  const deadline = Date.now() + ENDED_WITHIN_MS;
  for (;;) {
    const answer = await httpGet(new URL(`/v1/calls/${contextId}`, url), { 'x-api-key': apiKey }).catch(() => null);
    if (answer?.status !== 200) return null;
    const record = JSON.parse(answer.body) as CallRecord;
    if (record.call.endedAt !== null || Date.now() > deadline) return record;
    await sleep(POLL_MS);
  }
}

/** What was said as the server remembers it, one line a turn; what was cut off stands in brackets. */
export function transcriptLines(record: CallRecord): string[] {
  const turns = record.turns.toSorted((a, b) => a.startedAtMs - b.startedAtMs);
  const lines = turns.map(({ role, startedAtMs, text, heardText, source }) => {
    const at = `${(startedAtMs / 1000).toFixed(1)} s`.padStart(7);
    const who = role === 'assistant' ? 'assistant' : source === 'digits' ? 'your keys' : 'you';
    const isCut = role === 'assistant' && heardText !== text;
    return `${at}  ${who.padEnd(10)} ${isCut ? `${heardText} [cut off]` : text}`;
  });
  return ['', ...lines, `the record says: ${record.call.status}, ${record.call.endReason ?? 'no reason yet'}`];
}
