import { expect, test } from 'vitest';
import { parseCommand } from './parse-command.ts';

test.each([
  [[], { type: 'start' }],
  [['config'], { type: 'config' }],
  [['data', 'export', 'backup.jsonl'], { type: 'data-export', file: 'backup.jsonl' }],
  [['data', 'import', 'backup.jsonl'], { type: 'data-import', file: 'backup.jsonl' }],
  [['speech', 'install'], { type: 'speech-install' }],
  [['key', 'create', '--name', 'pbx'], { type: 'key-create', name: 'pbx', isSealed: true }],
  [['key', 'create', '--unsealed'], { type: 'key-create', name: 'key', isSealed: false }],
  [['doctor'], { type: 'doctor', wish: { topic: '', options: {} } }],
  [['doctor', '--help'], { type: 'help' }],
  [['--help'], { type: 'help' }],
])('%j is understood', (argv, command) => {
  expect(parseCommand(argv)).toEqual(command);
});

test.each([
  [['data', 'export'], 'data export wants the file to write'],
  [['dance'], 'there is no command "dance"'],
  [['doctor', 'who'], 'there is no command "doctor who"'],
  [['key', 'destroy'], 'there is no command "key destroy"'],
])('%j is a mistake that says what was wrong', (argv, message) => {
  expect(parseCommand(argv)).toEqual({ type: 'mistake', message });
});

test('an unknown option is a mistake that names it', () => {
  expect(parseCommand(['--fast'])).toMatchObject({ type: 'mistake', message: expect.stringContaining('--fast') });
});
