import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readEvent } from './read-event.ts';
import { createFakeIo } from './testing/fake-io.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-event-'));
  execFileSync('mkfifo', [join(dir, 'pipe')]);
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('an event from a pipe', () => {
  it('is waited for', async () => {
    const event = readEvent(createFakeIo({ cwd: dir }), 'pipe', new AbortController().signal);
    await sleep(50);
    await writeFile(join(dir, 'pipe'), '{"from":"a pipe"}');
    expect(await event).toEqual({ from: 'a pipe' });
  });

  it('is waited for until the command ends', async () => {
    const abort = new AbortController();
    const event = readEvent(createFakeIo({ cwd: dir }), 'pipe', abort.signal);
    setTimeout(() => abort.abort(), 50);
    await expect(event).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  it('on standard input is waited for until the command ends', async () => {
    const abort = new AbortController();
    const event = readEvent({ ...createFakeIo({ cwd: dir }), stdin: new PassThrough() }, '-', abort.signal);
    abort.abort();
    await expect(event).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });
});

describe('a path that the system refuses', () => {
  const read = (option: string) => readEvent(createFakeIo({ cwd: dir }), option, new AbortController().signal);

  it.each([
    ['a link to itself', 'loop'],
    ['a name that is too long', 'x'.repeat(300)],
    ['a way through a file', 'file/x'],
  ])('such as %s is bad input, with the reason', async (_, option) => {
    symlinkSync('loop', join(dir, 'loop'));
    await writeFile(join(dir, 'file'), '{}');
    await expect(read(option)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('--event'),
    });
  });

  it('is JSON where it is typed so: a long number, say', async () => {
    expect(await read('1'.repeat(300))).toBe(Number('1'.repeat(300)));
  });

  it('such as a pipe of another user is bad input', async () => {
    const isRoot = process.getuid?.() === 0;
    chmodSync(dir, 0o755);
    chmodSync(join(dir, 'pipe'), 0);
    if (isRoot) process.seteuid?.(65_534);
    try {
      await expect(read('pipe')).rejects.toMatchObject({
        code: 'BAD_INPUT',
        message: expect.stringContaining('EACCES'),
      });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });
});
