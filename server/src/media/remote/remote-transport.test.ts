import { mediaTransportContract } from '../../../test/contracts/media-transport.ts';
import { openRemoteCall } from '../../../test/contracts/remote-harness.ts';

const twilio = { sampleRate: 8_000, blockSamples: 1, minMessageMs: 0, maxMessageMs: 100, leadMs: 200 };
const vonage = { sampleRate: 16_000, blockSamples: 320, minMessageMs: 20, maxMessageMs: 20, leadMs: 200 };

mediaTransportContract('a remote clock as Twilio has it', () =>
  openRemoteCall({ clearReturnsMarks: true, canHold: false, delayMs: 0 }, twilio),
);
mediaTransportContract('a remote clock as Vonage has it', () =>
  openRemoteCall({ clearReturnsMarks: false, canHold: false, delayMs: 0 }, vonage),
);
mediaTransportContract('a remote clock that can hold, as Asterisk has it', () =>
  openRemoteCall({ clearReturnsMarks: false, canHold: true, delayMs: 0 }, { ...twilio, blockSamples: 160 }),
);
mediaTransportContract('a remote clock 60 ms away', () =>
  openRemoteCall({ clearReturnsMarks: true, canHold: false, delayMs: 60 }, twilio),
);
