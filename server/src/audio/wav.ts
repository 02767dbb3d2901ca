import type { AudioFrame } from '../core/audio-frame.ts';
import { AppError } from '../core/errors.ts';

const HEADER_BYTES = 44;
const PCM = 1;
const EXTENSIBLE = 0xfffe;
/** "RIFF", size, "WAVE". */
const RIFF_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;
const FORMAT_BYTES = 16;
/** Where a WAVE_FORMAT_EXTENSIBLE chunk holds the real format. */
const SUBFORMAT_AT = 24;

type Format = {
  readonly code: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bitsPerSample: number;
};

/**
 * A WAV file of mono 16-bit PCM with the canonical 44-byte header (Microsoft RIFF/WAVE, "Multimedia Programming Interface
 * and Data Specifications 1.0").
 */
export function writeWav(frame: AudioFrame): Uint8Array<ArrayBuffer> {
  const dataBytes = frame.samples.length * 2;
  const file = new Uint8Array(HEADER_BYTES + dataBytes);
  file.set(wavHeader(frame.sampleRate, dataBytes));
  const view = new DataView(file.buffer);
  for (let index = 0; index < frame.samples.length; index++) {
    view.setInt16(HEADER_BYTES + index * 2, frame.samples[index] as number, true);
  }
  return file;
}

/** The 44 bytes before `dataBytes` of mono 16-bit PCM: for a file that is written while its audio arrives. */
export function wavHeader(sampleRate: number, dataBytes: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  writeText(header, 0, 'RIFF');
  view.setUint32(4, HEADER_BYTES - CHUNK_HEADER_BYTES + dataBytes, true);
  writeText(header, 8, 'WAVEfmt ');
  view.setUint32(16, FORMAT_BYTES, true);
  view.setUint16(20, PCM, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  writeText(header, 36, 'data');
  view.setUint32(40, dataBytes, true);
  return header;
}

/**
 * Reads mono 16-bit PCM. Takes files as programs really write them: any chunks in any order before the audio, a data size of
 * zero or beyond the end (a stream whose size was never filled in: all that is there counts), a cut last sample.
 * @throws AppError invalid_parameters for anything else, saying what was found.
 */
export function readWav(file: Uint8Array): AudioFrame {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < RIFF_BYTES || readText(file, 0) !== 'RIFF' || readText(file, 8) !== 'WAVE') {
    throw unreadable(`no RIFF/WAVE header in ${file.length} bytes`);
  }
  let format: Format | null = null;
  for (let at = RIFF_BYTES; at + CHUNK_HEADER_BYTES <= file.length; ) {
    const name = readText(file, at);
    const size = view.getUint32(at + 4, true);
    const start = at + CHUNK_HEADER_BYTES;
    if (name === 'fmt ') format = readFormat(view, start, size);
    if (name === 'data') {
      if (!format) throw unreadable('the audio comes before its format');
      return { samples: readSamples(view, start, size), sampleRate: format.sampleRate };
    }
    // Chunks begin at even places.
    at = start + size + (size & 1);
  }
  throw unreadable('it has no data chunk');
}

function readFormat(view: DataView, start: number, size: number): Format {
  if (size < FORMAT_BYTES || start + FORMAT_BYTES > view.byteLength) throw unreadable('its format chunk is cut short');
  const code = view.getUint16(start, true);
  const isExtensible = code === EXTENSIBLE && size >= SUBFORMAT_AT + 2 && start + SUBFORMAT_AT + 2 <= view.byteLength;
  const format = {
    code: isExtensible ? view.getUint16(start + SUBFORMAT_AT, true) : code,
    channels: view.getUint16(start + 2, true),
    sampleRate: view.getUint32(start + 4, true),
    bitsPerSample: view.getUint16(start + 14, true),
  };
  if (format.code !== PCM || format.bitsPerSample !== 16) {
    throw unreadable(`16-bit PCM is needed, it has format ${format.code} with ${format.bitsPerSample} bits`);
  }
  if (format.channels !== 1) throw unreadable(`one channel is needed, it has ${format.channels}`);
  if (format.sampleRate === 0) throw unreadable('its sample rate is 0');
  return format;
}

function readSamples(view: DataView, start: number, size: number): Int16Array<ArrayBuffer> {
  const present = view.byteLength - start;
  const bytes = size === 0 || size > present ? present : size;
  const samples = new Int16Array(bytes >> 1);
  for (let index = 0; index < samples.length; index++) samples[index] = view.getInt16(start + index * 2, true);
  return samples;
}

function unreadable(found: string): AppError {
  return new AppError('invalid_parameters', { detail: `This WAV file cannot be read: ${found}` });
}

function readText(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function writeText(bytes: Uint8Array, at: number, text: string): void {
  for (let index = 0; index < text.length; index++) bytes[at + index] = text.charCodeAt(index);
}
