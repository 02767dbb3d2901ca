import { targetsOf } from './flow-mistakes.ts';
import type { Flow, FlowNode } from './flow-schema.ts';

/** All a flow says without looking anything up, what comes first first: worth having as speech before a caller waits for it. */
export function fixedTextsOf(flow: Flow): readonly string[] {
  const names = new Set([flow.start]);
  const texts = new Set<string>();
  for (const name of names) {
    const node = flow.nodes[name];
    if (!node) continue;
    for (const text of textsOf(node)) if (!text.includes('{{')) texts.add(text);
    for (const [, target] of targetsOf(node)) names.add(target);
  }
  return Array.from(texts);
}

function textsOf(node: FlowNode): readonly string[] {
  if (node.type === 'branch') return [];
  const asked =
    node.type === 'ask' || node.type === 'form' || node.type === 'confirm' ? [node.keysText, node.reprompt] : [];
  return [node.text, ...asked].filter((text) => text !== undefined);
}
