export type XmlElement = {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  readonly text: string;
};

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const NAME = '[A-Za-z_][A-Za-z0-9_.-]*';
const DECLARATION = /^<\?xml[^?]*\?>/;
const OPEN = new RegExp(`^<(${NAME})((?:\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(/?)>`);
const ATTRIBUTE = new RegExp(`(${NAME})\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`, 'g');

/**
 * Reads a document of one element, as strictly as a carrier's parser: well-formed, no DTD, only XML's own entities (XML 1.0,
 * section 4.6). @throws Error that says what is wrong, and where.
 */
export function readXml(text: string): XmlElement {
  const reader = { rest: text.replace(/^\uFEFF/, '').replace(DECLARATION, '') };
  skip(reader);
  const root = readElement(reader);
  skip(reader);
  if (reader.rest !== '') throw new Error(`something stands behind </${root.name}>: ${reader.rest.slice(0, 40)}`);
  return root;
}

type Reader = { rest: string };

function skip(reader: Reader): void {
  reader.rest = reader.rest.replace(/^(\s+|<!--[\s\S]*?-->)+/, '');
}

function readElement(reader: Reader): XmlElement {
  const match = OPEN.exec(reader.rest);
  if (!match) throw new Error(`no element: ${reader.rest.slice(0, 60)}`);
  const [whole, name = '', attributeText = '', slash] = match;
  reader.rest = reader.rest.slice(whole.length);
  const attributes = readAttributes(attributeText);
  if (slash) return { name, attributes, children: [], text: '' };
  const children: XmlElement[] = [];
  let text = '';
  for (;;) {
    const [chunk = ''] = /^[^<]*/.exec(reader.rest) ?? [];
    text += unescaped(chunk);
    reader.rest = reader.rest.slice(chunk.length);
    if (reader.rest.startsWith('<!--')) skip(reader);
    else if (reader.rest.startsWith(`</${name}>`)) break;
    else children.push(readElement(reader));
  }
  reader.rest = reader.rest.slice(name.length + 3);
  return { name, attributes, children, text: text.trim() };
}

function readAttributes(text: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, name = '', double, single] of text.matchAll(ATTRIBUTE)) {
    if (Object.hasOwn(attributes, name)) throw new Error(`the attribute ${name} stands twice`);
    attributes[name] = unescaped(double ?? single ?? '');
  }
  return attributes;
}

function unescaped(text: string): string {
  return text.replace(/&([^;\s]*;?)/g, (whole, reference: string) => {
    const name = reference.replace(/;$/, '');
    const [, hex, decimal] = /^#(?:x([0-9a-fA-F]+)|(\d+))$/.exec(name) ?? [];
    const char =
      ENTITIES[name] ??
      (hex || decimal ? String.fromCodePoint(Number.parseInt(hex ?? decimal ?? '', hex ? 16 : 10)) : undefined);
    if (char === undefined || !reference.endsWith(';')) throw new Error(`${whole} is no entity of XML`);
    return char;
  });
}
