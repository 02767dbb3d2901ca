import { isObject } from '../strict-json.ts';
import { readXml } from '../xml.ts';

/** Where Exotel is told to bring the audio. */
export type ExotelStreamAnswer = { readonly url: string; readonly encoding: 'linear' | 'mulaw' };

const LONGEST_URL = 600;

/**
 * The answer of a dynamic URL, as the Voicebot applet reads it: JSON with the key `url`. The applet's audio is linear.
 * @throws Error naming what it does not take. Source: Exotel "Stream and Voicebot applet".
 */
export function readAppletAnswer(contentType: string, body: string): ExotelStreamAnswer {
  if (!/^application\/json\b/.test(contentType)) throw new Error(`the applet takes JSON, not ${contentType}`);
  const value: unknown = JSON.parse(body);
  const url = isObject(value) ? value['url'] : undefined;
  return { url: checked(url), encoding: 'linear' };
}

/** The answer of an ExoML address: `<StartStream>`, whose audio is what contentType says, μ-law by default. */
export function readExoml(body: string): ExotelStreamAnswer {
  const { name, children } = readXml(body);
  const [start] = children;
  if (!/^(Flow|Response)$/.test(name) || start?.name !== 'StartStream') throw new Error('no <StartStream> in the flow');
  const { streamType, url, contentType = 'audio/x-mulaw;rate=8000' } = start.attributes;
  if (streamType !== 'bidirectional') throw new Error(`streamType ${streamType} brings no audio to the caller`);
  if (!/^audio\/(x-mulaw|x-l16);rate=8000$/.test(contentType)) throw new Error(`contentType ${contentType}`);
  return { url: checked(url), encoding: contentType.includes('mulaw') ? 'mulaw' : 'linear' };
}

/** Whom a Connect applet is to dial; null: nobody, the flow's other branch. Source: Exotel "Connect applet: dynamic URL". */
export type ExotelConnect = { readonly numbers: readonly string[]; readonly ringSeconds: number };

const DEFAULT_RING_SECONDS = 30;
const NUMBER = /^\+?\d{6,15}$/;

/** @throws Error naming what the applet does not take. */
export function readConnectAnswer(status: number, body: string): ExotelConnect | null {
  if (status === 302) return null;
  if (status !== 200) throw new Error(`the Connect applet takes 200 or 302, not ${status}`);
  const value: unknown = JSON.parse(body);
  const destination = isObject(value) ? value['destination'] : undefined;
  const numbers: unknown = isObject(destination) ? destination['numbers'] : undefined;
  if (!isObject(value) || !Array.isArray(numbers))
    throw new Error('the Connect applet takes {"destination":{"numbers":[]}}');
  const strange: unknown = numbers.find((number) => typeof number !== 'string' || !NUMBER.test(number));
  if (strange !== undefined) throw new Error(`${String(strange).slice(0, 4)}… is no number`);
  const { max_ringing_duration: ring = DEFAULT_RING_SECONDS } = value;
  return { numbers: numbers as string[], ringSeconds: Number(ring) };
}

function checked(url: unknown): string {
  if (typeof url !== 'string' || !/^wss?:\/\/\S+$/.test(url) || url.length > LONGEST_URL)
    throw new Error(`${String(url).slice(0, 80)} is no ws address of at most ${LONGEST_URL} characters`);
  return url;
}
