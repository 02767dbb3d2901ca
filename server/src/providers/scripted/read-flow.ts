import { Compile } from 'typebox/compile';
import { parse } from 'yaml';
import { AppError } from '../../core/errors.ts';
import { flowMistakes } from './flow-mistakes.ts';
import { FLOW_SCHEMA, type Flow, type FlowNode, NODE_SCHEMAS, type NodeType } from './flow-schema.ts';

type Checker = { Check(value: unknown): boolean; Errors(value: unknown): readonly SchemaError[] };
type SchemaError = { readonly instancePath: string; readonly message: string; readonly keyword: string };

const flowChecker = Compile(FLOW_SCHEMA);
const nodeCheckers = new Map<string, Checker>(
  Object.entries(NODE_SCHEMAS).map(([type, schema]) => [type, Compile(schema) as Checker]),
);

/**
 * Reads a flow: an object, or a text in YAML or JSON. All mistakes are told together, each with its place and what to do.
 * @throws AppError invalid_parameters
 */
export function readFlow(source: unknown): Flow {
  const raw = typeof source === 'string' ? parseText(source) : source;
  const shapeMistakes = isFlowShape(raw) ? Object.entries(raw.nodes).flatMap(nodeMistakes) : outerMistakes(raw);
  refuse(shapeMistakes);
  const flow = toFlow(raw);
  refuse(flowMistakes(flow));
  return flow;
}

function parseText(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new AppError('invalid_parameters', { detail: `The flow is neither YAML nor JSON: ${messageOf(error)}` });
  }
}

type RawFlow = {
  start: string;
  fallback: string;
  variables?: Flow['variables'];
  nodes: Record<string, unknown>;
};

function isFlowShape(raw: unknown): raw is RawFlow {
  return flowChecker.Check(raw);
}

function outerMistakes(raw: unknown): string[] {
  return describeErrors('The flow', flowChecker.Errors(raw));
}

function nodeMistakes([name, node]: [string, unknown]): string[] {
  const where = `Node "${name}"`;
  const type = typeof node === 'object' && node !== null && 'type' in node ? node.type : undefined;
  const checker = typeof type === 'string' ? nodeCheckers.get(type) : undefined;
  if (!checker) return [`${where} needs a type: ${Object.keys(NODE_SCHEMAS).join(', ')}`];
  return checker.Check(node) ? [] : describeErrors(where, checker.Errors(node));
}

function describeErrors(where: string, errors: readonly SchemaError[]): string[] {
  // "schema is false" repeats, place by place, what the object's own error says.
  const telling = errors.filter((error) => error.keyword !== 'boolean');
  return telling.map(({ instancePath, message }) => `${where}${instancePath.replaceAll('/', '.')} ${message}`);
}

function toFlow(raw: unknown): Flow {
  if (!isFlowShape(raw)) throw new AppError('invalid_parameters', { detail: 'The flow cannot be read' });
  // Each node was checked against the schema of its type.
  const nodes = raw.nodes as Record<string, FlowNode>;
  return { start: raw.start, fallback: raw.fallback, variables: raw.variables ?? {}, nodes };
}

function refuse(mistakes: readonly string[]): void {
  if (mistakes.length > 0) throw new AppError('invalid_parameters', { detail: mistakes.join('; ') });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}

/** The kinds of node, for messages and forms. */
export const NODE_TYPES = Object.keys(NODE_SCHEMAS) as readonly NodeType[];
