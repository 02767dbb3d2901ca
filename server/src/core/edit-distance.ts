/**
 * Letters to be added, left out or changed to make `to` of `from` (Levenshtein), row by row.
 * @param addedCost of a letter that only `to` has, where 1 is that of any other difference.
 */
export function editDistance(from: string, to: string, addedCost = 1): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column * addedCost);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const changed = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + addedCost));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
