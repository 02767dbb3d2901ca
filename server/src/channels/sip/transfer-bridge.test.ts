import { expect, test } from 'vitest';
import { FakeClock } from '../../../test/fakes/fake-clock.ts';
import { FakeMediaTransport } from '../../../test/fakes/fake-media-transport.ts';
import type { ReplyId } from '../../core/ids.ts';
import type { MediaListener } from '../../core/ports/media-transport.ts';
import { MediaWithInfoDigits } from './digit-sources.ts';
import { bridge } from './transfer-bridge.ts';

const FRAME_MS = 20;
const REPLY = 7 as ReplyId;
const tone = (samples: number, level: number) => new Array<number>(samples).fill(level);

function twoCalls() {
  const clock = new FakeClock();
  const wires = { caller: new FakeMediaTransport(clock), callee: new FakeMediaTransport(clock) };
  const caller = new MediaWithInfoDigits(wires.caller);
  const callee = new MediaWithInfoDigits(wires.callee);
  const heard: string[] = [];
  const conversation: MediaListener = {
    audio: () => void heard.push('audio'),
    digit: (digit) => void heard.push(`digit ${digit}`),
    played: () => {},
    cleared: () => {},
    writable: () => {},
    held: () => {},
    closed: (end) => void heard.push(`closed ${end.type}`),
  };
  caller.listen(conversation);
  return { clock, wires, caller, callee, heard };
}

test('what one side says the other hears, both ways, and the conversation hears nothing of it', () => {
  const { clock, wires, caller, callee, heard } = twoCalls();
  caller.play({ samples: new Int16Array(8_000).fill(9), sampleRate: 8_000 }, REPLY);

  expect(bridge(caller, callee)).not.toBeNull();
  wires.caller.say(tone(480, 100));
  wires.callee.say(tone(480, 200));
  clock.advance(10 * FRAME_MS);

  expect(wires.callee.ear.filter((sample) => sample === 100)).toHaveLength(480);
  expect(wires.caller.ear.filter((sample) => sample === 200)).toHaveLength(480);
  expect(wires.caller.ear).not.toContain(9);
  expect(heard).toEqual([]);
});

test('the conversation that lets go hears its end, and the two talk on', async () => {
  const { clock, wires, caller, callee, heard } = twoCalls();
  bridge(caller, callee);

  caller.close();
  await Promise.resolve();
  caller.close();
  await Promise.resolve();
  clock.advance(FRAME_MS);
  caller.play({ samples: new Int16Array(160).fill(9), sampleRate: 8_000 }, REPLY);
  wires.callee.say(tone(160, 200));
  clock.advance(5 * FRAME_MS);

  expect(heard).toEqual(['closed closed_by_us']);
  expect(wires.caller.ear).toContain(200);
  expect(wires.caller.ear).not.toContain(9);
});

test.each([
  ['caller', 'callee'],
  ['callee', 'caller'],
] as const)('the %s hangs up: so do we at the %s', (first, second) => {
  const { clock, wires, caller, callee } = twoCalls();
  bridge(caller, callee);

  wires[first].hangUp();
  clock.advance(5 * FRAME_MS);

  expect(wires[second].isClosed).toBe(true);
});

test('a caller who hung up already is not bridged', () => {
  const { clock, wires, caller, callee } = twoCalls();
  wires.caller.hangUp();
  clock.advance(FRAME_MS);

  expect(bridge(caller, callee)).toBeNull();
  expect(wires.callee.isClosed).toBe(false);
});

test('told to end, it hangs up on both, and is over once both are gone', async () => {
  const { clock, wires, caller, callee } = twoCalls();
  const bridged = bridge(caller, callee);
  let isOver = false;
  void bridged?.ended.then(() => {
    isOver = true;
  });

  bridged?.end();
  bridged?.end();
  expect(isOver).toBe(false);
  clock.advance(5 * FRAME_MS);
  await bridged?.ended;

  expect([wires.caller.isClosed, wires.callee.isClosed, isOver]).toEqual([true, true, true]);
});
