import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { readCommandLine, renderRefusal } from './command-line.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'firstlight-args-'));
  mkdirSync(join(dir, 'greet'));
  mkdirSync(join(dir, '--odd'));
  writeFileSync(join(dir, 'file'), '');
});
afterAll(() => rmSync(dir, { recursive: true }));

const read = (...args: string[]) => readCommandLine(args, dir, '1.2.3');

test('names folders relative to where it was typed', () => {
  expect(read()).toEqual({ kind: 'open', folders: [], sample: false });
  expect(read('greet', join(dir, 'greet'), '--sample')).toEqual({
    kind: 'open',
    folders: [join(dir, 'greet'), join(dir, 'greet')],
    sample: true,
  });
  expect(read(`file://${dir}/greet`)).toMatchObject({ folders: [join(dir, 'greet')] });
  expect(read('--', '--odd')).toMatchObject({ folders: [join(dir, '--odd')] });
});

test('lets Chromium have its own options', () => {
  const options = ['--disable-gpu', '--ozone-platform=wayland', '--no-sandbox', '--remote-debugging-port=0'];
  expect(read(...options, 'greet')).toMatchObject({ kind: 'open', folders: [join(dir, 'greet')] });
});

test.each(['--version', '-V'])('%s is the version, whatever else there is', (option) => {
  expect(read('nowhere', option)).toEqual({ kind: 'print', text: '1.2.3\n' });
});

test.each(['--help', '-h'])('%s is the help, whatever else there is', (option) => {
  const request = read('--verson', option);
  expect(request).toMatchObject({ kind: 'print', text: expect.stringMatching(/^Usage: firstlight-studio/) });
  for (const name of ['--help', '--version', '[folder...]'])
    expect(request).toMatchObject({ text: expect.stringContaining(name) });
});

test.each([
  ['--verson', 'BAD_INPUT', 'The option --verson is unknown.'],
  ['-x', 'BAD_INPUT', 'The option -x is unknown.'],
  ['--open=greet', 'BAD_INPUT', 'The option --open=greet is unknown.'],
  ['file://elsewhere/greet', 'BAD_INPUT', 'greet is not the URL of a file of this machine.'],
  ['nowhere', 'NOT_FOUND', 'nowhere does not exist.'],
  ['file', 'BAD_INPUT', 'file is not a folder.'],
  ['file/below', 'BAD_INPUT', 'below cannot be opened: ENOTDIR.'],
  ['x'.repeat(300), 'BAD_INPUT', 'cannot be opened: ENAMETOOLONG.'],
])('%s is refused with a message and a hint', (arg, code, message) => {
  let refusal = '';
  try {
    read(arg);
  } catch (error) {
    expect(error).toBeInstanceOf(FirstlightError);
    expect((error as FirstlightError).exitCode).toBe(2);
    refusal = renderRefusal(error as FirstlightError);
  }
  expect(refusal).toMatch(new RegExp(`^error\\[${code}\\] .*${message.replaceAll('.', '\\.')}\nhint .+\n$`));
});
