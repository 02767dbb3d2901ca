import type { Brain } from '../../core/ports/brain.ts';
import { fixedTextsOf } from './fixed-texts.ts';
import { FlowSession } from './flow-session.ts';
import { readFlow } from './read-flow.ts';

/**
 * A brain that follows a flow document: menus, forms, look-ups; it needs no model and no network of its own.
 * @param flow an object, or a text in YAML or JSON.
 * @throws AppError invalid_parameters naming all mistakes in it.
 */
export function scriptedBrain(flow: unknown): Brain {
  const read = readFlow(flow);
  const fixedTexts = fixedTextsOf(read);
  return { name: 'scripted', repeatsSentences: true, fixedTexts, open: (call) => new FlowSession(read, call) };
}
