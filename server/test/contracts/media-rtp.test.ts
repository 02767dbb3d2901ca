import { mediaTransportContract } from './media-transport.ts';
import { agreed } from './rtp-phone.ts';
import { openRtpPlaneCall } from './rtp-plane-harness.ts';

mediaTransportContract('RTP with PCMU, on the test thread', () => openRtpPlaneCall());
mediaTransportContract('RTP with PCMA, on the test thread', () => openRtpPlaneCall(agreed('PCMA')));
mediaTransportContract('RTP with L16 at 16 kHz, on the test thread', () => openRtpPlaneCall(agreed('L16')));
mediaTransportContract('RTP with G.722 at 16 kHz, on the test thread', () => openRtpPlaneCall(agreed('G722')));
