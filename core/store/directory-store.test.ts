import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TarError } from '@firstlight/tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createDirectoryStore } from './directory-store.ts';
import { createLayout } from './layout.ts';

let home: string;
let root: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-store-'));
  root = join(home, 'things');
});
afterEach(() => rm(home, { recursive: true, force: true }));

const open = () =>
  createDirectoryStore({
    layout: createLayout({ home, env: {}, uid: process.getuid?.() ?? 0 }),
    root,
    kind: 'thing',
    manifestName: 'thing.json',
    schema: z.object({ bytes: z.number() }),
    isName: (name) => /^[a-z]+$/.test(name),
    isWhole: async () => true,
  });

describe('a directory of the store', () => {
  it('can be entered by QEMU’s user, and is checked by its schema', async () => {
    const store = open();
    await store.withTemp((temp) => store.publish(temp, 'a', { bytes: 3 }));
    expect((await stat(store.dirOf('a'))).mode & 0o777).toBe(0o755);
    expect(await store.find('a')).toEqual({ bytes: 3 });
    await chmod(join(store.dirOf('a'), 'thing.json'), 0o600);
    await writeFile(join(store.dirOf('a'), 'thing.json'), '{"bytes":"3"}');
    expect(await store.find('a')).toBeNull();
  });

  it('fails with the errors that people see', async () => {
    const store = open();
    const full = Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC', syscall: 'write' });
    await expect(store.withTemp(() => Promise.reject(full))).rejects.toMatchObject({ code: 'DISK_FULL' });
    const abort = new DOMException('enough', 'AbortError');
    await expect(store.withTemp(() => Promise.reject(abort))).rejects.toMatchObject({ code: 'CANCELLED' });
    const damaged = new TarError('invalid', 'no tar');
    await expect(store.withTemp(() => Promise.reject(damaged))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    const bug = new RangeError('a bug');
    await expect(store.withTemp(() => Promise.reject(bug))).rejects.toBe(bug);
  });
});
