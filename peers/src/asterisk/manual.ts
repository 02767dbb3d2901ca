import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A block of the manual that a reader copies: a command, a file, a table. */
export type ManualBlock = {
  readonly heading: string;
  /** env, sh, ini, text, table */
  readonly language: string;
  readonly text: string;
};

const FIXTURES = join(import.meta.dirname, '..', '..', 'test', 'fixtures');

/** A page of the product's manual, its blocks word for word; notes which of them a suite has asked for. */
export class ManualPage {
  readonly blocks: readonly ManualBlock[];
  readonly #asked = new Set<ManualBlock>();

  constructor(markdown: string) {
    this.blocks = readBlocks(markdown);
  }

  static async read(name: string): Promise<ManualPage> {
    return new ManualPage(await readFile(join(FIXTURES, name), 'utf8'));
  }

  /** The only block of a heading, or the only one in a language. @throws Error when there is none, or more than one. */
  text(heading: string, language?: string): string {
    const found = this.blocks.filter(
      (block) => block.heading === heading && (language === undefined || block.language === language),
    );
    const [block] = found;
    if (!block || found.length > 1)
      throw new Error(`${found.length} blocks of ${language ?? 'any kind'} in "${heading}"`);
    this.#asked.add(block);
    return block.text;
  }

  /** The blocks of a language, of headings that match. */
  texts(language: string, heading: RegExp): readonly string[] {
    const found = this.blocks.filter((block) => block.language === language && heading.test(block.heading));
    for (const block of found) this.#asked.add(block);
    return found.map((block) => block.text);
  }

  /** Headings and first lines of what nobody has asked for yet. */
  get unasked(): readonly string[] {
    return this.blocks
      .filter((block) => !this.#asked.has(block))
      .map((block) => `${block.heading}: ${block.text.split('\n')[0]}`);
  }
}

function readBlocks(markdown: string): ManualBlock[] {
  const found = markdown.matchAll(/^## (?<heading>.+)$|^```(?<language>\w+)\n(?<text>[\s\S]*?)\n```$/gm);
  const blocks: ManualBlock[] = [];
  let current = '';
  for (const { groups: { heading, language = '', text = '' } = {} } of found) {
    if (heading === undefined) blocks.push({ heading: current, language, text });
    else current = heading;
  }
  return blocks;
}
