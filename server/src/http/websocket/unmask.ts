const WORD_BYTES = 4;

const key = new Uint8Array(WORD_BYTES);
const keyWord = new Int32Array(key.buffer);
/** The memory seen last, by words: reads go into the same one again and again. */
let words = new Int32Array(0);

/** Undoes the masking of [from, to) with the four bytes at `maskAt` (RFC 6455, 5.3), in place and a word at a time. */
export function unmask(bytes: Uint8Array, maskAt: number, from: number, to: number): void {
  const isMasked = bytes[maskAt] || bytes[maskAt + 1] || bytes[maskAt + 2] || bytes[maskAt + 3];
  if (!isMasked) return;
  const { buffer, byteOffset } = bytes;
  const beforeWord = -(byteOffset + from) & (WORD_BYTES - 1);
  const wordsAt = Math.min(to, from + beforeWord);
  const wordsEnd = to - ((to - wordsAt) & (WORD_BYTES - 1));
  unmaskBytes(bytes, { maskAt, from, to: wordsAt, turn: 0 });
  for (let index = 0; index < WORD_BYTES; index++) {
    key[index] = bytes[maskAt + ((index + beforeWord) & (WORD_BYTES - 1))] as number;
  }
  if (words.buffer !== buffer) words = new Int32Array(buffer as ArrayBuffer, 0, buffer.byteLength >> 2);
  const word = keyWord[0] as number;
  const end = (byteOffset + wordsEnd) >> 2;
  for (let at = (byteOffset + wordsAt) >> 2; at < end; at++) words[at] = (words[at] as number) ^ word;
  unmaskBytes(bytes, { maskAt, from: wordsEnd, to, turn: wordsEnd - from });
}

type Piece = { readonly maskAt: number; readonly from: number; readonly to: number; readonly turn: number };

function unmaskBytes(bytes: Uint8Array, { maskAt, from, to, turn }: Piece): void {
  for (let at = from; at < to; at++) {
    const mask = bytes[maskAt + ((turn + at - from) & (WORD_BYTES - 1))] as number;
    bytes[at] = (bytes[at] as number) ^ mask;
  }
}
