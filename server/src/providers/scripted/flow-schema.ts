import { type Static, Type } from 'typebox';

const Name = Type.String({ pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$', description: 'Letters, digits and _' });
/** Words to say; `{{name}}` stands for a variable, `{{name.part}}` for a part of it. */
const Text = Type.String({ minLength: 1, maxLength: 2_000 });
const Keys = Type.String({ pattern: '^[0-9*#]{1,20}$' });
const Phrase = Type.String({ minLength: 1, maxLength: 100 });
const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);
const strict = { additionalProperties: false };

const asked = {
  text: Text,
  /** Said instead of `text` where the call is led by keys only. */
  keysText: Type.Optional(Text),
  /** Said when the answer was not understood; else made from the choices. */
  reprompt: Type.Optional(Text),
  /** Where to go after two reprompts; else the flow's `fallback`. */
  fallback: Type.Optional(Name),
};

const Say = Type.Object({ type: Type.Literal('say'), text: Text, next: Name }, strict);

const Choice = Type.Object(
  {
    value: Type.String({ minLength: 1 }),
    /** How it is called when it is read out or confirmed; else the first phrase. */
    label: Type.Optional(Phrase),
    /** Lower-case words as they are spoken; also what the recogniser listens for. */
    phrases: Type.Array(Phrase, { minItems: 1 }),
    digits: Keys,
    next: Name,
  },
  strict,
);

const Ask = Type.Object(
  {
    type: Type.Literal('ask'),
    ...asked,
    choices: Type.Array(Choice, { minItems: 1, maxItems: 12 }),
    saveAs: Type.Optional(Name),
    /** Whether a choice made by voice is read back; else only where the recogniser cannot reject what it did not know. */
    confirm: Type.Optional(Type.Boolean()),
  },
  strict,
);

const Form = Type.Object(
  {
    type: Type.Literal('form'),
    ...asked,
    minDigits: Type.Integer({ minimum: 1, maximum: 20 }),
    maxDigits: Type.Integer({ minimum: 1, maximum: 20 }),
    saveAs: Name,
    /** Default true. */
    readBack: Type.Optional(Type.Boolean()),
    next: Name,
  },
  strict,
);

const Confirm = Type.Object({ type: Type.Literal('confirm'), ...asked, yes: Name, no: Name }, strict);

const Case = Type.Object(
  {
    is: Type.Optional(Scalar),
    above: Type.Optional(Type.Number()),
    below: Type.Optional(Type.Number()),
    next: Name,
  },
  strict,
);

const Branch = Type.Object(
  {
    type: Type.Literal('branch'),
    /** A variable, or a part of one: `order.body.status`. */
    on: Type.String({ pattern: '^[a-zA-Z_][a-zA-Z0-9_]*(\\.[a-zA-Z0-9_]+)*$' }),
    /** The first case that fits. */
    cases: Type.Array(Case, { minItems: 1 }),
    otherwise: Name,
  },
  strict,
);

const Http = Type.Object(
  {
    type: Type.Literal('http'),
    method: Type.Optional(Type.Union([Type.Literal('GET'), Type.Literal('POST'), Type.Literal('PUT')])),
    /** http or https; values in `{{name}}` are encoded. */
    url: Type.String({ pattern: '^https?://[^{]' }),
    headers: Type.Optional(Type.Record(Type.String(), Type.String())),
    /** Sent as JSON; `{{name}}` in its texts is filled in. */
    body: Type.Optional(Type.Unknown()),
    timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 10_000 })),
    /** Said while the caller waits. */
    text: Type.Optional(Text),
    /** Gets `{status, body}`. */
    saveAs: Name,
    next: Name,
    /** After a status other than 2xx, a time-out, or an answer that is too large. */
    onError: Name,
  },
  strict,
);

const Transfer = Type.Object(
  {
    type: Type.Literal('transfer'),
    to: Text,
    text: Type.Optional(Text),
    /** Where the line cannot transfer, and after a transfer that failed. */
    otherwise: Name,
    /** After a transfer that failed, instead of `otherwise`; `transfer_failure` says how. */
    onFailure: Type.Optional(Name),
  },
  strict,
);

const HangUp = Type.Object({ type: Type.Literal('hang_up'), text: Type.Optional(Text) }, strict);

/** The kinds of node and what each may hold. */
export const NODE_SCHEMAS = {
  say: Say,
  ask: Ask,
  form: Form,
  confirm: Confirm,
  branch: Branch,
  http: Http,
  transfer: Transfer,
  hang_up: HangUp,
} as const;

/** A flow around its nodes. */
export const FLOW_SCHEMA = Type.Object(
  {
    start: Name,
    /** Where a caller goes who is not understood. */
    fallback: Name,
    variables: Type.Optional(Type.Record(Type.String(), Scalar)),
    nodes: Type.Record(Type.String(), Type.Unknown()),
  },
  strict,
);

export type NodeType = keyof typeof NODE_SCHEMAS;
export type FlowNode = Static<(typeof NODE_SCHEMAS)[NodeType]>;
export type NodeOf<Type extends NodeType> = Static<(typeof NODE_SCHEMAS)[Type]>;
export type Choice = Static<typeof Choice>;
export type Scalar = Static<typeof Scalar>;
/** A flow that was checked: every target exists. */
export type Flow = {
  readonly start: string;
  readonly fallback: string;
  readonly variables: Readonly<Record<string, Scalar>>;
  readonly nodes: Readonly<Record<string, FlowNode>>;
};
