import { expect, test } from 'vitest';
import { callDemo, pressAndHear, storedCall } from './demo-call.ts';
import { ServerHome } from './server-process.ts';

for (const group of [false, true])
  for (const sig of ['SIGTERM', 'SIGINT'] as const)
    test(`npm start ${group ? 'group' : 'npm alone'} ${sig}`, { timeout: 60000 }, async () => {
      await using home = new ServerHome();
      const server = await home.start({ byNpm: true });
      const { contextId, phone } = await callDemo(home, server);
      if (group) server.signalGroup(sig);
      else server.signal(sig);
      await server.event('server.draining');
      await pressAndHear(phone, '1');
      setTimeout(() => phone.hangUp(), 700);
      const { exitCode, stderr } = await server.end();
      expect({
        exitCode,
        stderr,
        pm: home.postmaster,
        stopped: server.events('server.stopped').map((e) => e['callsCut']),
      }).toEqual({ exitCode: 0, stderr: '', pm: null, stopped: [0] });
      expect((await storedCall(home, contextId)).call.endReason).toBe('caller_hung_up');
    });
