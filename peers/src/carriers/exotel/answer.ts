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

function checked(url: unknown): string {
  if (typeof url !== 'string' || !/^wss?:\/\/\S+$/.test(url) || url.length > LONGEST_URL)
    throw new Error(`${String(url).slice(0, 80)} is no ws address of at most ${LONGEST_URL} characters`);
  return url;
}
