import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDirectoryStore } from './directory-store.ts';
import { undefinedIfMissing } from './files-error.ts';

let home: string;
let root: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-store-'));
  root = join(home, 'things');
});
afterEach(() => rm(home, { recursive: true, force: true }));

const open = (onAbandoned?: (dir: string) => Promise<void>) =>
  createDirectoryStore({
    root,
    kind: 'thing',
    manifestName: 'thing.json',
    parse: (json) => {
      const bytes = typeof json === 'object' && json !== null && 'bytes' in json ? json.bytes : undefined;
      return typeof bytes === 'number' ? { bytes } : undefined;
    },
    isName: (name) => /^[a-z]+$/.test(name),
    isWhole: async (dir, { bytes }) => (await stat(join(dir, 'data')).catch(undefinedIfMissing))?.size === bytes,
    onAbandoned,
  });

/** Publishes a directory with some bytes, with the store's `publish` or `publishNew`. */
async function add(
  store: ReturnType<typeof open>,
  name: string,
  bytes: number,
  how: 'publish' | 'publishNew' = 'publish',
) {
  return await store.withTemp(async (temp) => {
    await writeFile(join(temp, 'data'), 'x'.repeat(bytes));
    return await store[how](temp, name, { bytes });
  });
}

describe('a store of directories', () => {
  it('has what was published, with its permissions, and leaves nothing temporary', async () => {
    const store = open();
    expect(await add(store, 'a', 3)).toEqual({ bytes: 3 });
    expect(await store.find('a')).toEqual({ bytes: 3 });
    expect(await store.find('b')).toBeNull();
    expect(await store.names()).toEqual(['a']);
    expect(await readdir(root)).toEqual(['a']);
    expect((await stat(store.dirOf('a'))).mode & 0o777).toBe(0o700);
  });

  it('keeps a whole directory that another process published first, and replaces a broken one', async () => {
    const store = open();
    await add(store, 'a', 3);
    expect(await add(store, 'a', 5)).toEqual({ bytes: 3 });
    await writeFile(join(store.dirOf('a'), 'data'), '');
    expect(await store.find('a')).toBeNull();
    expect(await add(store, 'a', 5)).toEqual({ bytes: 5 });
    expect(await readdir(root)).toEqual(['a']);
  });

  it('replaces nothing when only new directories are wanted', async () => {
    const store = open();
    expect(await add(store, 'a', 3, 'publishNew')).toBe(true);
    await writeFile(join(store.dirOf('a'), 'data'), '');
    expect(await add(store, 'a', 5, 'publishNew')).toBe(false);
    expect((await stat(join(store.dirOf('a'), 'data'))).size).toBe(0);
  });

  it('removes a directory at once, and knows when it was used last', async () => {
    const store = open();
    await add(store, 'a', 3);
    const before = (await store.usedAtMs('a')) ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 10));
    await store.touch('a');
    expect(await store.usedAtMs('a')).toBeGreaterThan(before);
    expect(await store.remove('a')).toBe(true);
    expect(await store.remove('a')).toBe(false);
    expect(await store.usedAtMs('a')).toBeNull();
    expect(await readdir(root)).toEqual([]);
  });

  it('takes a directory for none whose manifest is half-written', async () => {
    const store = open();
    await add(store, 'a', 3);
    await writeFile(join(store.dirOf('a'), 'thing.json'), '{"byt');
    expect(await store.find('a')).toBeNull();
    expect(await add(store, 'a', 4)).toEqual({ bytes: 4 });
  });

  it('removes a temporary directory when the work fails', async () => {
    const store = open();
    await expect(store.withTemp(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await readdir(root)).toEqual([]);
  });

  it('removes what a killed process left, after saving what is worth keeping', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const left = join(root, `.thing-${pid}-1.0123456789ab.fl-tmp`);
    await mkdir(left, { recursive: true });
    const seen: string[] = [];
    await add(
      open(async (dir) => void seen.push(dir)),
      'a',
      1,
    );
    expect(seen).toEqual([left]);
    expect(await readdir(root)).toEqual(['a']);
  });
});
