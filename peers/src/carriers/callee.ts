/** What somebody does whom a carrier rings: after so long. An answered call that was handed over lasts `talksMs`. */
export type Callee = {
  readonly does: 'answer' | 'busy' | 'no-answer' | 'fail';
  readonly afterMs: number;
  readonly talksMs?: number;
};

export type Callees = (number: string) => Callee;

export const answersAtOnce: Callees = () => ({ does: 'answer', afterMs: 0 });
