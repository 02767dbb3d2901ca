/** What the demo assistant says on a first start: a menu by voice or keypad, an answer, a goodbye. */
export const DEMO_FLOW = {
  start: 'greeting',
  sorry: 'Sorry, I did not get that.',
  nodes: {
    greeting: { type: 'say', text: 'Hello, and thank you for calling. This is your assistant.', next: 'menu' },
    menu: {
      type: 'ask',
      text: 'I can help you with billing, support, or opening hours. Say one of them, or press 1 for billing, 2 for support, or 3 for opening hours.',
      variable: 'topic',
      choices: [
        { words: ['billing', 'billing please', 'a bill'], digits: '1', label: 'billing', next: 'billing' },
        { words: ['support', 'support please', 'help'], digits: '2', label: 'support', next: 'support' },
        {
          words: ['opening hours', 'opening hours please', 'hours'],
          digits: '3',
          label: 'opening hours',
          next: 'hours',
        },
      ],
      fallback: 'give_up',
    },
    billing: {
      type: 'say',
      text: 'About billing. Your invoice is sent on the first day of each month, and you can pay it by card or by bank transfer within thirty days.',
      next: 'anything_else',
    },
    support: {
      type: 'say',
      text: 'About support. Our technicians are available around the clock, and most questions are answered within two hours.',
      next: 'anything_else',
    },
    hours: {
      type: 'say',
      text: 'About opening hours. We are open from nine in the morning until six in the evening, from Monday to Friday.',
      next: 'anything_else',
    },
    anything_else: {
      type: 'confirm',
      text: 'Is there anything else I can do for you? Say yes or press 1, say no or press 2.',
      yes: 'menu',
      no: 'goodbye',
      fallback: 'goodbye',
    },
    give_up: { type: 'hang_up', text: 'I am sorry that I could not help you today. Please call again. Goodbye.' },
    goodbye: { type: 'hang_up', text: 'Thank you for calling. Goodbye.' },
  },
} as const;
