import {
  type AssistantSettings,
  DEFAULT_ERROR_SENTENCE,
  DEFAULT_TURN_SETTINGS,
} from '../core/assistant/assistant-settings.ts';
import { DEMO_FLOW } from '../providers/scripted/demo-flow.ts';

const AUTO = { provider: 'auto' } as const;

/** The demo assistant: the best engines there are when a call comes, so that setting a key is enough to talk freely. */
export const DEMO_SETTINGS: AssistantSettings = {
  language: 'en-US',
  brain: {
    type: 'auto',
    model: {
      type: 'model',
      provider: AUTO,
      greeting: 'Hello, and thank you for calling. How can I help you today?',
      instructions: [
        'You are a friendly assistant on the telephone. Answer in one or two short spoken sentences, without lists, headings or symbols.',
        'You help with billing, support and opening hours: invoices are sent on the first of each month and can be paid within thirty days;',
        'technicians are available around the clock; the office is open from nine to six, Monday to Friday.',
        'When the caller has nothing else to ask, say goodbye and hang up.',
      ].join(' '),
    },
    otherwise: { type: 'scripted', flow: DEMO_FLOW },
  },
  speechToText: AUTO,
  textToSpeech: AUTO,
  turn: DEFAULT_TURN_SETTINGS,
  errorSentence: DEFAULT_ERROR_SENTENCE,
};
