import type { Suspicion, TurnRules } from './turn-state.ts';

/** The caller takes the turn, the assistant plays on, or it is too early to tell. */
export type Verdict = 'commit' | 'resume' | 'wait';

/** Voiced windows in a row that make a suspicion, and that begin an utterance. */
export const VOICED_WINDOWS = 2;

/**
 * Judges by the voice alone. Words are better evidence, so a recogniser that gives them early is waited for; else enough
 * voice commits, and the assistant plays on as soon as enough can no longer come together in time.
 */
export function judgeVoice(suspicion: Suspicion, rules: TurnRules, nowMs: number): Verdict {
  if (rules.hasInterim) return 'wait';
  const { voicedMs } = suspicion.utterance;
  if (voicedMs >= rules.bargeInCommitMs) return 'commit';
  const leftMs = suspicion.sinceMs + rules.bargeInDecisionMs - nowMs;
  return voicedMs + leftMs < rules.bargeInCommitMs ? 'resume' : 'wait';
}

/** Judges by interim words: an acknowledgement may still grow into a sentence, any other word takes the turn. */
export function judgeWords(text: string, rules: TurnRules): 'commit' | 'acknowledged' | 'wait' {
  const words = normalise(text);
  if (words === '') return 'wait';
  return isAcknowledgement(words, rules.acknowledgements) ? 'acknowledged' : 'commit';
}

/** Judges when time is up. */
export function judgeAtDeadline(suspicion: Suspicion, rules: TurnRules): 'commit' | 'resume' {
  if (suspicion.isAcknowledged) return 'resume';
  return suspicion.utterance.voicedMs >= rules.bargeInCommitMs ? 'commit' : 'resume';
}

/** Whether the words are acknowledgements and nothing else: "okay, yeah" is, "okay but wait" is not. */
function isAcknowledgement(words: string, acknowledgements: readonly string[]): boolean {
  let rest = words;
  const known = acknowledgements.map(normalise).sort((a, b) => b.length - a.length);
  while (rest !== '') {
    const next = known.find((phrase) => phrase !== '' && (rest === phrase || rest.startsWith(`${phrase} `)));
    if (next === undefined) return false;
    rest = rest.slice(next.length).trimStart();
  }
  return true;
}

function normalise(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}' ]+/gu, ' ')
    .replace(/ +/g, ' ')
    .trim();
}
