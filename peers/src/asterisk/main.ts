import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { startAsterisk } from './asterisk.ts';

const USAGE = `A real Asterisk 22 on loopback, in a private folder, with the dialplan of docs/channels/asterisk.md.

  node scripts/run.mjs peers/src/asterisk/main.ts --assistant ID --key KEY [--http 127.0.0.1:9007]
      [--audiosocket 127.0.0.1:4573] [--sip 127.0.0.1:5090]

Each line typed is a console command (core show channels, rtp set debug on); end with Ctrl-D or Ctrl-C.
The first start fetches some 80 MB of packages from Debian, into the cache folder.`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      assistant: { type: 'string' },
      key: { type: 'string' },
      http: { type: 'string', default: '127.0.0.1:9007' },
      audiosocket: { type: 'string', default: '127.0.0.1:4573' },
      sip: { type: 'string', default: '127.0.0.1:5090' },
    },
  });
  const [host = '', port = ''] = values.audiosocket.split(':');
  if (!values.assistant || !values.key) {
    console.error(USAGE);
    return 2;
  }
  await using asterisk = await startAsterisk({
    http: values.http,
    audioSocket: { host, port: Number(port) },
    sip: values.sip,
    assistantId: values.assistant,
    apiKey: values.key,
  });
  const { user, login } = asterisk.phoneTo('1001');
  console.log(`Asterisk runs in ${asterisk.runFolder}
A SIP phone logs in at 127.0.0.1:${asterisk.ports.sip} as ${user} with the password ${login?.password ?? ''}, and dials
  1001 the assistant by AudioSocket()       2001 by chan_websocket
  3001 by the SIP trunk                     4001 by Dial(AudioSocket/...)      echo  itself
Its log is log/messages there.`);
  const lines = createInterface({ input: process.stdin });
  process.once('SIGINT', () => lines.close());
  process.once('SIGTERM', () => lines.close());
  lines.on('line', async (line) => console.log(await asterisk.cli(line)));
  await once(lines, 'close');
  return 0;
}
