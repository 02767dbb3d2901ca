import { scripted } from '@assistant/peers/server/test-assistant';
import type { AssistantSettings } from '@assistant/server/core/assistant/assistant-settings';

/** Some 40 s of speech, every sentence another, so that each 20 ms of it can be told from all others. */
const ANSWER = `Thank you for calling. Before we begin, here is everything about our service that people usually ask.
The office in the old harbour opens at nine in the morning and closes at half past five in the evening.
On Saturday it opens one hour later, and on Sunday nobody is there, although letters are still taken in.
An invoice is sent at the beginning of each month and must be paid within fourteen days.
If you have moved to another town, please tell us the new address before the next invoice is written.
Technical questions are answered by engineers, who may ask you to read a number from the back of the device.
A broken device is replaced free of charge during the first two years, whatever the reason was.
To cancel the contract, write a short letter, sign it, and send it to the address on your last invoice.
Finally, a summary of this call can be sent to you, if you would like to have one.`;

/** An assistant that gives its long answer as soon as the call is up. */
export function longAnswer(): AssistantSettings {
  return scripted({
    start: 'answer',
    fallback: 'goodbye',
    nodes: {
      answer: { type: 'say', text: ANSWER.replaceAll('\n', ' '), next: 'menu' },
      menu: {
        type: 'ask',
        text: 'Would you like billing or support?',
        choices: [
          { value: 'billing', phrases: ['billing'], digits: '1', next: 'goodbye' },
          { value: 'support', phrases: ['support'], digits: '2', next: 'goodbye' },
        ],
      },
      goodbye: { type: 'hang_up', text: 'Goodbye.' },
    },
  });
}
