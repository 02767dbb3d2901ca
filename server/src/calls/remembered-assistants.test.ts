import { expect, test } from 'vitest';
import { FakeClock } from '../../test/fakes/fake-clock.ts';
import type { Assistant } from '../core/assistant/assistant.ts';
import type { AssistantId } from '../core/ids.ts';
import { RememberedAssistants } from './remembered-assistants.ts';

const ID = '7' as AssistantId;

function world() {
  const clock = new FakeClock();
  const state: { version: number; isThere: boolean; isAway: boolean; asked: number } = {
    version: 1,
    isThere: true,
    isAway: false,
    asked: 0,
  };
  const find = async () => {
    state.asked++;
    if (state.isAway) throw new Error('away');
    // Only the version is looked at here.
    return state.isThere ? ({ publishedVersion: state.version } as Assistant) : null;
  };
  return { clock, state, assistants: new RememberedAssistants({ assistants: { find }, clock }) };
}

test('calls of one second ask once, and a new version answers a second later', async () => {
  const { clock, state, assistants } = world();

  await Promise.all([assistants.find(ID), assistants.find(ID)]);
  state.version = 2;
  clock.advance(999);
  expect(await assistants.find(ID)).toEqual({ publishedVersion: 1 });
  expect(state.asked).toBe(1);
  clock.advance(1);

  expect(await assistants.find(ID)).toEqual({ publishedVersion: 2 });
});

test('an assistant that is not there, or could not be read, is asked for again', async () => {
  const { state, assistants } = world();
  state.isThere = false;
  expect(await assistants.find(ID)).toBeNull();
  state.isThere = true;
  state.isAway = true;
  await expect(assistants.find(ID)).rejects.toThrow('away');
  state.isAway = false;

  expect(await assistants.find(ID)).toEqual({ publishedVersion: 1 });
});
