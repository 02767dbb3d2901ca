import type { Readable, Writable } from 'node:stream';
import { AppError } from '../core/errors.ts';
import type { Field } from '../core/form/field.ts';

/** Where a person is asked. Secrets are read without showing them, and from a pipe one line after the other. */
export type Terminal = {
  readonly input: Readable & { readonly isTTY?: boolean; setRawMode?(isRaw: boolean): unknown };
  readonly output: Writable;
};

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const BACKSPACE = /[\u007f\b]/;
const PEM_END = /-----END [^-]+-----\s*$/;

/** Asks for one value after the other; the answers of a pipe are its lines. */
export class Prompt implements Disposable {
  readonly #terminal: Terminal;
  readonly #isInteractive: boolean;
  #rest = '';
  #isOver = false;
  #wake: () => void = () => {};
  readonly #take = (chunk: Buffer | string) => {
    this.#rest += chunk.toString();
    this.#wake();
  };
  readonly #end = () => {
    this.#isOver = true;
    this.#wake();
  };

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#isInteractive = terminal.input.isTTY === true && terminal.input.setRawMode !== undefined;
    terminal.input.on('data', this.#take).on('end', this.#end).on('error', this.#end);
  }

  /** The answer, trimmed, perhaps empty. A PEM block ends with its own last line. @throws AppError invalid_request when stopped. */
  async ask({ key, help, isSecret, isMultiline, isRequired }: Field): Promise<string> {
    const hint = isRequired ? '' : ' (may stay empty)';
    this.#write(`${help}\n${key}${hint}${isMultiline ? ', ending with its END line' : ''}: `);
    const lines: string[] = [];
    do {
      lines.push(await this.#readLine(isSecret === true));
    } while (isMultiline && lines[0] !== '' && !PEM_END.test(lines.at(-1) ?? '') && !this.#isOver);
    this.#write('\n');
    return lines.join('\n').trim();
  }

  [Symbol.dispose](): void {
    const { input } = this.#terminal;
    input.off('data', this.#take).off('end', this.#end).off('error', this.#end);
    if (this.#isInteractive) input.setRawMode?.(false);
    input.pause();
  }

  async #readLine(isSecret: boolean): Promise<string> {
    if (this.#isInteractive) this.#terminal.input.setRawMode?.(isSecret);
    let line = '';
    for (;;) {
      while (this.#rest === '' && !this.#isOver) await this.#more();
      const [char = ''] = this.#rest;
      this.#rest = this.#rest.slice(char.length);
      if (char === CTRL_C) throw new AppError('invalid_request', { detail: 'stopped; nothing was kept' });
      if (char === '' || char === '\n' || char === '\r' || (char === CTRL_D && this.#isInteractive)) {
        if (char === '\r' && this.#rest.startsWith('\n')) this.#rest = this.#rest.slice(1);
        return line;
      }
      line = this.#isInteractive && BACKSPACE.test(char) ? line.slice(0, -1) : line + char;
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #write(text: string): void {
    if (this.#isInteractive) this.#terminal.output.write(text);
  }
}
