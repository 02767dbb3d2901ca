import type { BrainInput } from '../../core/ports/brain.ts';
import type { Choice, FlowNode, NodeOf } from './flow-schema.ts';
import type { Variables } from './template.ts';
import { choose, digitsOf, NO, YES } from './understand.ts';

/** The kinds of node that wait for the caller. */
export type Question = NodeOf<'ask'> | NodeOf<'form'> | NodeOf<'confirm'>;

type Step = { readonly next: string; readonly saved: Variables };

/** What an answer means. */
export type Verdict =
  | ({ readonly type: 'go' } & Step)
  /** It must be read back first: `answer` in words. */
  | ({ readonly type: 'confirm'; readonly answer: string } & Step)
  /** What was read back was wrong. */
  | { readonly type: 'refused' }
  /** It was no answer. */
  | { readonly type: 'missed' };

export function isQuestion(node: FlowNode | undefined): node is Question {
  return node?.type === 'ask' || node?.type === 'form' || node?.type === 'confirm';
}

/** @param cannotReject the recogniser takes everything for one of the phrases: what it heard is read back. */
export function judgeAnswer(node: Question, input: BrainInput, cannotReject: boolean): Verdict {
  switch (node.type) {
    case 'ask':
      return judgeChoice(node, input, cannotReject);
    case 'form':
      return judgeForm(node, input);
    case 'confirm':
      return judgeConfirm(node, input);
  }
}

/** The answer to "Is that right?". */
export function judgeYesNo(input: BrainInput, pending: Step): Verdict {
  const answer = choose(input, [YES, NO]);
  if (!answer) return { type: 'missed' };
  return answer === YES ? { type: 'go', ...pending } : { type: 'refused' };
}

/** How a choice is called when it is read out. */
export function labelOf(choice: Choice): string {
  return choice.label ?? choice.phrases[0] ?? choice.value;
}

function judgeChoice(node: NodeOf<'ask'>, input: BrainInput, cannotReject: boolean): Verdict {
  const choice = choose(input, node.choices);
  if (!choice) return { type: 'missed' };
  const saved = node.saveAs === undefined ? {} : { [node.saveAs]: choice.value };
  const isReadBack = input.type === 'said' && (node.confirm ?? cannotReject);
  if (!isReadBack) return { type: 'go', next: choice.next, saved };
  return { type: 'confirm', next: choice.next, saved, answer: `You said ${labelOf(choice)}.` };
}

function judgeForm(node: NodeOf<'form'>, input: BrainInput): Verdict {
  const digits = digitsOf(input);
  if (digits === null || digits.length < node.minDigits || digits.length > node.maxDigits) return { type: 'missed' };
  const step = { next: node.next, saved: { [node.saveAs]: digits } };
  if (node.readBack === false) return { type: 'go', ...step };
  return { type: 'confirm', ...step, answer: `I got ${Array.from(digits).join(' ')}.` };
}

function judgeConfirm(node: NodeOf<'confirm'>, input: BrainInput): Verdict {
  const answer = choose(input, [YES, NO]);
  if (!answer) return { type: 'missed' };
  return { type: 'go', next: answer === YES ? node.yes : node.no, saved: {} };
}
