import type { Flow, FlowNode, NodeOf } from './flow-schema.ts';

/** Words a grammar can hold. */
const SPEAKABLE = /^[\p{Ll}\p{Lo}\p{M}']+( [\p{Ll}\p{Lo}\p{M}']+)*$/u;

/** What is wrong with a flow whose nodes are each well formed. Empty: nothing. */
export function flowMistakes(flow: Flow): string[] {
  const targetless = unknownTargets(flow);
  if (targetless.length > 0) return targetless;
  return [...unreachable(flow), ...restless(flow), ...Object.entries(flow.nodes).flatMap(nodeMistakes)];
}

/** Where a node may lead, by the name of the field that says so. */
export function targetsOf(node: FlowNode): [field: string, target: string][] {
  switch (node.type) {
    case 'say':
      return [['next', node.next]];
    case 'ask':
      return [...node.choices.map(choiceTarget), ...fallbackOf(node)];
    case 'form':
      return [['next', node.next], ...fallbackOf(node)];
    case 'confirm':
      return [['yes', node.yes], ['no', node.no], ...fallbackOf(node)];
    case 'branch':
      return [
        ...node.cases.map((one, index): [string, string] => [`cases.${index}.next`, one.next]),
        ['otherwise', node.otherwise],
      ];
    case 'http':
      return [
        ['next', node.next],
        ['onError', node.onError],
      ];
    case 'transfer':
      return [
        ['otherwise', node.otherwise],
        ...(node.onFailure === undefined ? [] : [['onFailure', node.onFailure] satisfies [string, string]]),
      ];
    case 'hang_up':
      return [];
  }
}

function choiceTarget(choice: { readonly next: string }, index: number): [string, string] {
  return [`choices.${index}.next`, choice.next];
}

function fallbackOf(node: { readonly fallback?: string }): [string, string][] {
  return node.fallback === undefined ? [] : [['fallback', node.fallback]];
}

function unknownTargets(flow: Flow): string[] {
  const isUnknown = (target: string) => !Object.hasOwn(flow.nodes, target);
  const known = Object.keys(flow.nodes).join(', ');
  const outer = (['start', 'fallback'] as const)
    .filter((field) => isUnknown(flow[field]))
    .map((field) => `${field} names the unknown node "${flow[field]}" (there are: ${known})`);
  const inner = Object.entries(flow.nodes).flatMap(([name, node]) =>
    targetsOf(node)
      .filter(([, target]) => isUnknown(target))
      .map(([field, target]) => `Node "${name}".${field} names the unknown node "${target}"`),
  );
  return [...outer, ...inner];
}

function unreachable(flow: Flow): string[] {
  const reached = new Set<string>();
  const waiting = [flow.start, flow.fallback];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const node = flow.nodes[name];
    if (!node || reached.has(name)) continue;
    reached.add(name);
    waiting.push(...targetsOf(node).map(([, target]) => target));
  }
  return Object.keys(flow.nodes)
    .filter((name) => !reached.has(name))
    .map((name) => `Node "${name}" is never reached: lead to it or remove it`);
}

/** A circle of nodes that never wait for the caller would talk for ever. */
function restless(flow: Flow): string[] {
  const isSettled = new Set<string>();
  const findCircle = (name: string, path: readonly string[]): readonly string[] | null => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    const node = flow.nodes[name];
    if (!node || isSettled.has(name) || waitsForCaller(node)) return null;
    for (const [, target] of targetsOf(node)) {
      const circle = findCircle(target, [...path, name]);
      if (circle) return circle;
    }
    isSettled.add(name);
    return null;
  };
  for (const name of Object.keys(flow.nodes)) {
    const circle = findCircle(name, []);
    if (circle) return [`Nodes ${circle.join(' -> ')} go in a circle and never wait for the caller`];
  }
  return [];
}

function waitsForCaller(node: FlowNode): boolean {
  return node.type === 'ask' || node.type === 'form' || node.type === 'confirm';
}

function nodeMistakes([name, node]: [string, FlowNode]): string[] {
  if (node.type === 'form' && node.minDigits > node.maxDigits) {
    return [`Node "${name}": minDigits ${node.minDigits} is more than maxDigits ${node.maxDigits}`];
  }
  return node.type === 'ask' ? askMistakes(name, node) : [];
}

function askMistakes(name: string, node: NodeOf<'ask'>): string[] {
  const phrases = node.choices.flatMap((choice) => choice.phrases);
  const unspeakable = phrases
    .filter((phrase) => !SPEAKABLE.test(phrase))
    .map((phrase) => `Node "${name}": phrase "${phrase}" must be lower-case words, numbers written out`);
  const twice = (values: readonly string[]) => values.filter((value, index) => values.indexOf(value) !== index);
  return [
    ...unspeakable,
    ...twice(phrases).map((phrase) => `Node "${name}": phrase "${phrase}" means two choices`),
    ...twice(node.choices.map((choice) => choice.digits)).map(
      (keys) => `Node "${name}": keys ${keys} mean two choices`,
    ),
  ];
}
