import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPipedLauncher, type Piped, type PipedLauncher } from './piped-launcher.ts';

let dir: string;
let launcher: PipedLauncher;
let launched: Piped[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-launch-'));
  launcher = createPipedLauncher({ ...process.env, COLOUR: 'red', LAUNCHED_IN: dir });
  launched = [];
});
afterEach(async () => {
  await launcher.close();
  for (const { kill, exited } of launched) {
    kill();
    // One that did not start rejects, also after a test that failed before it looked.
    await exited.catch(() => undefined);
  }
  rmSync(dir, { recursive: true, force: true });
});

const errorPath = () => join(dir, 'errors');
const launch = (file: string, args: readonly string[]): Piped => {
  const piped = launcher.launch(file, args, { dir, errorPath: errorPath() });
  launched.push(piped);
  return piped;
};
/** The children of this test that wait to become a program: those of other files in this process are not its own. */
const spares = (): number[] => {
  const list = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'pid=,args='], { encoding: 'utf8' });
  const waiting = [...list.matchAll(/^ *(\d+) \/bin\/sh -c while IFS= read/gm)].map(([, pid]) => Number(pid));
  return waiting.filter((pid) => environOf(pid).includes(`LAUNCHED_IN=${dir}`));
};
const environOf = (pid: number): string[] => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
};
/** A start, after which one waits. Shape: its process number. */
async function makeSpare(): Promise<number> {
  await launch('/bin/true', []).exited;
  return await vi.waitFor(() => {
    const [pid, ...others] = spares();
    expect(others).toEqual([]);
    return pid ?? expect.fail('none waits');
  }, 20_000);
}

describe.each([
  ['by itself', false],
  ['by the process that waits', true],
])('a program that is started %s', (_, isSpare) => {
  it('has its arguments, folder, variables and input as they were given, and its errors in the file', async () => {
    const waiting = isSpare ? await makeSpare() : undefined;
    writeFileSync(errorPath(), 'before\n');
    const words = ['two  words', "it's", '$HOME `x` \\n', '-n', '*'];
    const script = 'printf "%s|" "$@" "$COLOUR"; pwd; cat; echo wrong >&2; exit 3';
    const { pid, stdin, stdout, exited } = launch('/bin/sh', ['-c', script, 'me', ...words]);
    if (isSpare) expect(pid).toBe(waiting);
    stdin.end('first line\n\nlast');
    expect(await text(stdout)).toBe(`${words.join('|')}|red|${dir}\nfirst line\n\nlast`);
    expect(await exited).toMatchObject({ code: 3 });
    expect(readFileSync(errorPath(), 'utf8')).toBe('before\nwrong\n');
  });

  it('is ended by a kill', async () => {
    if (isSpare) await makeSpare();
    const { stdout, kill, exited } = launch('/bin/sh', ['-c', 'echo up; exec sleep 1000']);
    await new Promise((resolve) => stdout.once('data', resolve));
    kill();
    expect(await exited).toMatchObject({ code: null });
  });

  it('can have an empty argument and one of two lines', async () => {
    if (isSpare) await makeSpare();
    expect(await text(launch('/bin/sh', ['-c', 'printf "%s|" "$@"', 'me', '', 'a\nb']).stdout)).toBe('|a\nb|');
  });
});

it('a program that is missing is an error by itself, and the exit code 127 of the process that waited', async () => {
  const missing = join(dir, 'missing');
  await expect(launcher.launch(missing, [], { dir, errorPath: errorPath() }).exited).rejects.toMatchObject({
    code: 'TOOL_MISSING',
  });
  await makeSpare();
  expect(await launch(missing, []).exited).toMatchObject({ code: 127 });
  expect(readFileSync(errorPath(), 'utf8')).toContain('missing');
});

it('a file for errors that cannot be opened is an error, and the waiting process stays', async () => {
  const pid = await makeSpare();
  expect(() => launcher.launch('/bin/true', [], { dir, errorPath: join(dir, 'no', 'file') })).toThrow('ENOENT');
  expect(spares()).toEqual([pid]);
});

it('starts programs without a process that was killed while it waited, and makes another', async () => {
  const pid = await makeSpare();
  process.kill(pid, 'SIGKILL');
  await vi.waitFor(() => expect(existsSync(`/proc/${pid}`)).toBe(false), 20_000);
  expect(await text(launch('/bin/echo', ['here']).stdout)).toBe('here\n');
  expect(await makeSpare()).not.toBe(pid);
});

it('leaves no process when it is closed, and makes none afterwards', async () => {
  const pid = await makeSpare();
  await launcher.close();
  expect(existsSync(`/proc/${pid}`)).toBe(false);
  await launch('/bin/true', []).exited;
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(spares()).toEqual([]);
});
