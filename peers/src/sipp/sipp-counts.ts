/** What SIPp counted, by its column: `3_200_Recv`, `0_INVITE_Retrans`; the number in front is the message's place in the scenario. */
export type SippCounts = Readonly<Record<string, number>>;

/** The last line of a file of -trace_counts: numbers over all calls until then. */
export function sumOfCounts(csv: string): SippCounts {
  const [head = '', ...rows] = csv.trim().split('\n');
  const last = rows.at(-1)?.split(';') ?? [];
  const columns = head.split(';').map((name, index) => [name, Number(last[index])] as const);
  return Object.fromEntries(columns.filter(([name]) => /^\d+_/.test(name)));
}

/** Messages that went out again, came again, did not come, or were not in the scenario: all zero in a call without a hitch. */
export function hitchesOf(counts: SippCounts): Record<'sentAgain' | 'cameAgain' | 'missing' | 'unexpected', number> {
  const sum = (end: RegExp) =>
    Object.entries(counts).reduce((total, [name, count]) => total + (end.test(name) ? count : 0), 0);
  return {
    sentAgain: sum(/_[A-Z]+_Retrans$/),
    cameAgain: sum(/_\d{3}_Retrans$/),
    missing: sum(/_Timeout$/),
    unexpected: sum(/_Unexp$/),
  };
}
