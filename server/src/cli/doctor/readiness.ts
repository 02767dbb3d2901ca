import http from 'node:http';
import https from 'node:https';
import { INSTALLATION_HEADER } from '../../vault/installation-id.ts';

export type ReadinessAnswer = { readonly status: number; readonly installation: string | null };

const ANSWER_LIMIT_MS = 8_000;

/** Asks `/readiness` and says who answered. The certificate is judged elsewhere. @throws the system's error without an answer. */
export function askReadiness(origin: string, signal: AbortSignal): Promise<ReadinessAnswer> {
  const url = new URL('/readiness', origin);
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const options = {
      rejectUnauthorized: false,
      // Tunnels for people show a page of their own to what looks like a browser (ngrok: "ngrok-skip-browser-warning").
      headers: { 'user-agent': 'assistant-api doctor', 'ngrok-skip-browser-warning': '1' },
      agent: false as const,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_LIMIT_MS)]),
    };
    request(url, options, (response) => {
      const value = response.headers[INSTALLATION_HEADER];
      response.resume();
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, installation: typeof value === 'string' ? value : null }),
      );
      response.once('error', reject);
    })
      .once('error', reject)
      .end();
  });
}
