import { AppError } from '../../core/errors.ts';
import type { Brain } from '../../core/ports/brain.ts';
import type { Flow } from './flow-schema.ts';
import { FlowSession } from './flow-session.ts';
import { readFlow } from './read-flow.ts';

/** A brain that follows a flow document: menus, forms, look-ups; it needs no model and no network of its own. */
export function scriptedBrain(): Brain {
  const flows = new WeakMap<object, Flow>();
  return {
    name: 'scripted',
    repeatsSentences: true,
    /** @throws AppError invalid_parameters when the assistant's flow has mistakes; not_configured when it has none. */
    open(call) {
      const { brain } = call.settings;
      if (brain.type !== 'scripted') {
        throw new AppError('not_configured', { detail: 'The scripted brain needs an assistant with a flow' });
      }
      const { flow: source } = brain;
      if (typeof source !== 'object' || source === null) return new FlowSession(readFlow(source), call);
      const flow = flows.get(source) ?? readFlow(source);
      flows.set(source, flow);
      return new FlowSession(flow, call);
    },
  };
}
