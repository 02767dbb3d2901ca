/** The parts of an OpenAPI 3.1 document that the page shows. */
export type ApiDocument = {
  readonly info: { readonly title: string; readonly description?: string };
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

type Operation = {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema?: object;
  }[];
  readonly responses?: Readonly<Record<string, unknown>>;
};

type ErrorTable = Readonly<
  Record<string, { readonly status: number; readonly isRetryable: boolean; readonly message: string }>
>;

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1b1b1f;background:#fff}' +
  'code{font-family:ui-monospace,monospace}h3{font-size:1rem;margin:1.5rem 0 .25rem}p{margin:.25rem 0}' +
  'td,th{text-align:left;padding:.1rem 1rem .1rem 0;vertical-align:top}' +
  '@media(prefers-color-scheme:dark){body{color:#e6e6ea;background:#17171a}a{color:#9db8ff}}';

/** The whole page as HTML: each operation with its parameters and statuses, then the errors, each with its code as anchor. */
export function docsPage({ info, paths = {} }: ApiDocument, errors: ErrorTable): string {
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== 'head')
      .map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const tags = [...new Set(operations.map(({ operation }) => operation.tags?.[0] ?? 'other'))];
  const sections = tags.map((tag) => {
    const own = operations.filter(({ operation }) => (operation.tags?.[0] ?? 'other') === tag);
    return `<h2>${text(tag)}</h2>${own.map((one) => section(one.method, one.path, one.operation)).join('')}`;
  });
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${text(info.title)}</title><style>${STYLE}</style></head><body><h1>${text(info.title)}</h1>` +
    `<p>${text(info.description ?? '')} For programs: <a href="/openapi.json">openapi.json</a>.</p>${sections.join('')}${errorSection(errors)}</body></html>`
  );
}

function section(method: string, path: string, operation: Operation): string {
  const rows = (operation.parameters ?? []).map(
    ({ name, in: place, required, schema }) =>
      `<tr><th><code>${text(name)}</code></th><td>${text(place)}${required ? ', needed' : ''}</td><td><code>${text(shortSchema(schema))}</code></td></tr>`,
  );
  const key = operation.security
    ? '<p>Needs an API key: <code>x-api-key</code> or <code>Authorization: Bearer</code>.</p>'
    : '';
  return (
    `<h3><code>${method} ${text(path)}</code></h3><p>${text(operation.summary ?? '')}. ${text(operation.description ?? '')}</p>` +
    `${key}${rows.length > 0 ? `<table>${rows.join('')}</table>` : ''}` +
    `<p>Answers: ${text(Object.keys(operation.responses ?? {}).join(', '))}</p>`
  );
}

function errorSection(errors: ErrorTable): string {
  const rows = Object.entries(errors).map(
    ([code, { status, message, isRetryable }]) =>
      `<tr id="${text(code)}"><th><code>${text(code)}</code></th><td>${status}</td><td>${text(message)}</td><td>${isRetryable ? 'try again' : ''}</td></tr>`,
  );
  return `<h2>errors</h2><table>${rows.join('')}</table>`;
}

function shortSchema(schema: object = {}): string {
  const {
    type,
    minimum,
    maximum,
    anyOf,
    enum: words,
  } = schema as {
    enum?: string[];
    type?: string;
    minimum?: number;
    maximum?: number;
    anyOf?: { const?: string }[];
  };
  if (words) return words.join(' | ');
  if (anyOf) return anyOf.map((one) => one.const ?? '…').join(' | ');
  return `${type ?? 'any'}${maximum === undefined ? '' : ` ${minimum ?? 0}-${maximum}`}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function text(raw: string): string {
  return raw.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}
