import type { Brain } from '../../core/ports/brain.ts';
import { FlowSession } from './flow-session.ts';
import { parseFlow } from './parse-flow.ts';

/**
 * The brain that needs no model: leads every call through a flow, by words and by keys.
 * @throws AppError invalid_parameters when the flow has mistakes.
 */
export function createScriptedBrain(document: unknown): Brain {
  const flow = parseFlow(document);
  return {
    name: 'scripted',
    open: ({ context, isGrammarOnly, hasSpeechInput }) =>
      new FlowSession({
        flow,
        isGrammarOnly,
        hasSpeechInput,
        variables: { ...context.args, caller: context.from ?? '' },
      }),
  };
}
