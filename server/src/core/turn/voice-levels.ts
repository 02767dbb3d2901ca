/** How loud the two sources of voice on the line are, dBFS: the caller, and our own voice coming back. */
export type VoiceLevels = {
  /** Infinity until the caller has spoken. */
  readonly callerDb: number;
  /** -Infinity until something was taken for our echo. */
  readonly echoDb: number;
};

export const UNKNOWN_LEVELS: VoiceLevels = { callerDb: Number.POSITIVE_INFINITY, echoDb: Number.NEGATIVE_INFINITY };

/** A voice must stand out this far over our echo. */
const OVER_ECHO_DB = 6;
/**
 * No louder sound is ever taken for our echo: speech has a nominal level of -26 dBov on the line (ITU-T P.56), and an echo
 * returns at least 10 dB weaker.
 */
const LOUDEST_ECHO_DB = -36;
/** How much one window moves the caller's level. */
const LEARNING_RATE = 0.1;

/** Whether a sound is too loud to be our own voice coming back. */
export function isOverEcho(levels: VoiceLevels, levelDb: number): boolean {
  return levelDb >= levels.echoDb + OVER_ECHO_DB;
}

/** Learns from a voiced window while only the caller speaks; a soft caller lowers what may count as echo. */
export function learnCaller(levels: VoiceLevels, levelDb: number): VoiceLevels {
  const isFirst = levels.callerDb === Number.POSITIVE_INFINITY;
  const callerDb = isFirst ? levelDb : levels.callerDb + (levelDb - levels.callerDb) * LEARNING_RATE;
  return { callerDb, echoDb: Math.min(levels.echoDb, callerDb - OVER_ECHO_DB) };
}

/** Learns from voice that stopped when we did: most likely it was ours. */
export function learnEcho(levels: VoiceLevels, peakDb: number): VoiceLevels {
  const echoDb = Math.min(peakDb, LOUDEST_ECHO_DB, levels.callerDb - OVER_ECHO_DB);
  return { ...levels, echoDb: Math.max(levels.echoDb, echoDb) };
}
