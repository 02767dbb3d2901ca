/** What the demo assistant of a first start does: a menu by voice or keys, an answer, a goodbye. Checked by a test. */
export const DEMO_FLOW = {
  start: 'welcome',
  fallback: 'goodbye',
  nodes: {
    welcome: { type: 'say', text: 'Hello, and welcome to the demo line.', next: 'menu' },
    menu: {
      type: 'ask',
      text: 'Would you like billing, support, or opening hours? You can say it, or press 1, 2 or 3.',
      keysText: 'For billing, press 1. For support, press 2. For opening hours, press 3.',
      saveAs: 'topic',
      choices: [
        { value: 'billing', phrases: ['billing', 'billing please'], digits: '1', next: 'billing' },
        { value: 'support', phrases: ['support', 'support please'], digits: '2', next: 'support' },
        { value: 'hours', phrases: ['opening hours', 'opening hours please'], digits: '3', next: 'hours' },
      ],
    },
    billing: { type: 'say', text: 'Your last invoice was paid in full. There is nothing left to pay.', next: 'more' },
    support: { type: 'say', text: 'All our systems are running well. There are no known problems.', next: 'more' },
    hours: { type: 'say', text: 'We are open from Monday to Friday, from nine to five.', next: 'more' },
    more: {
      type: 'confirm',
      text: 'Is there anything else I can do for you? Say yes or press 1, or say no or press 2.',
      keysText: 'Is there anything else I can do for you? For yes, press 1. For no, press 2.',
      yes: 'menu',
      no: 'goodbye',
    },
    goodbye: { type: 'hang_up', text: 'Thank you for calling. Goodbye.' },
  },
} as const;
