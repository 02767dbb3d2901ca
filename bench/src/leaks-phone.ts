import { AudioSocketLeg } from '@assistant/peers/phone/audiosocket-leg';
import { Phone } from '@assistant/peers/phone/phone';

// A phone that the leak bench kills in the middle of its call: arguments are host, port and contextId.
const [host = '', port = '', contextId = ''] = process.argv.slice(2);
const phone = await Phone.open(new AudioSocketLeg({ host, port: Number(port), contextId }));
await phone.ended;
