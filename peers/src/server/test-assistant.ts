import {
  type AssistantSettings,
  DEFAULT_ERROR_SENTENCE,
  DEFAULT_TURN_SETTINGS,
  type TurnSettings,
} from '@assistant/server/core/assistant/assistant-settings';

/** What the test line says, for suites that compare. */
export const SAID = {
  menu: 'Hello, this is the test line. Say billing or support, or press one, two, three or four.',
  billing: 'Billing will call you back tomorrow. Thank you and goodbye.',
  support: 'Support is closed today.',
  code: 'Please key in your code, and then the pound key.',
  thanks: 'Your code was taken. Goodbye.',
  story:
    'Once upon a time there was a very small telephone exchange at the edge of a very large forest. ' +
    'Every evening the only operator closed the window, lit a lamp, and waited for somebody to call. ' +
    'In winter nobody called for weeks, and so the operator began to tell stories to the switchboard. ' +
    'One of them was about a caller who never let anybody finish a sentence.',
  lost: 'I did not understand you. Goodbye.',
  idleQuestion: 'Are you still there?',
  idleGoodbye: 'I cannot hear you, so I will hang up now. Goodbye.',
} as const;

const FLOW = {
  start: 'menu',
  fallback: 'lost',
  nodes: {
    menu: {
      type: 'ask',
      text: SAID.menu,
      confirm: false,
      choices: [
        { value: 'billing', phrases: ['billing', 'billing please'], digits: '1', next: 'billing' },
        { value: 'support', phrases: ['support', 'support please'], digits: '2', next: 'support' },
        { value: 'code', phrases: ['enter a code'], digits: '3', next: 'code' },
        { value: 'story', phrases: ['tell me a story'], digits: '4', next: 'story' },
      ],
    },
    billing: { type: 'hang_up', text: SAID.billing },
    support: { type: 'say', text: SAID.support, next: 'menu' },
    code: {
      type: 'form',
      text: SAID.code,
      minDigits: 1,
      maxDigits: 8,
      saveAs: 'code',
      readBack: false,
      next: 'thanks',
    },
    thanks: { type: 'hang_up', text: SAID.thanks },
    story: { type: 'say', text: SAID.story, next: 'menu' },
    lost: { type: 'hang_up', text: SAID.lost },
  },
};

/** A scripted line with a menu, a code to key in, a long story and a goodbye. */
export function testAssistant(turn: Partial<TurnSettings> = {}): AssistantSettings {
  return scripted(FLOW, { idleQuestion: SAID.idleQuestion, idleGoodbye: SAID.idleGoodbye, ...turn });
}

/** An assistant that follows a flow, everything else as by default. */
export function scripted(flow: unknown, turn: Partial<TurnSettings> = {}): AssistantSettings {
  return {
    language: 'en-US',
    brain: { type: 'scripted', flow },
    speechToText: { provider: 'auto' },
    textToSpeech: { provider: 'auto' },
    turn: { ...DEFAULT_TURN_SETTINGS, ...turn },
    errorSentence: DEFAULT_ERROR_SENTENCE,
  };
}
