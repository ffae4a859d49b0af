import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
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
