import { mkdir, mkdtemp, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileTree } from '@firstlight/files';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listTree } from '#core/images/inspect/list-tree.ts';
import { withImage } from '#core/images/inspect/open-image.ts';
import type { BuildContext } from '#core/runtime/images.ts';
import { createLayout, type Layout } from '#core/store/layout.ts';
import { thisProcess } from '#core/store/owner.ts';
import { namesIn } from '#core/store/write-atomic.ts';
import { type BaseRequest, type BaseStore, createBaseStore } from './base-store.ts';

let home: string;
let layout: Layout;
let bases: BaseStore;
let planned: number;
/** The action while the base is written. */
let onProgress: (fraction: number) => void;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-bases-'));
  layout = createLayout({ home: join(home, 'state'), env: {}, uid: process.getuid?.() ?? 0 });
  bases = createBaseStore(layout);
  planned = 0;
  onProgress = () => undefined;
  await writeFile(join(home, 'kernel'), 'a kernel');
  await writeFile(join(home, 'program'), Buffer.alloc(3 << 20, 'program'));
  await writeFile(join(home, 'library'), 'library');
});
afterEach(() => rm(home, { recursive: true, force: true }));

const request = (key = 'key'): BaseRequest => ({
  key,
  plan: async () => {
    planned++;
    const builder = createFileTree();
    const add = async (guest: string, name: string) => {
      const path = join(home, name);
      builder.add(guest, { kind: 'file', content: { kind: 'host', path }, bytes: (await stat(path)).size });
    };
    await add('/bin/program', 'program');
    await add('/lib/library', 'library');
    builder.add('/lib/link', { kind: 'symlink', target: 'library' });
    builder.add('/etc/note', { kind: 'file', content: { kind: 'bytes', data: Buffer.from('note') }, bytes: 4 });
    const facts = { program: '/bin/program', description: 'a program', warnings: [] };
    return { tree: builder.tree, facts };
  },
  boot: { bootImage: null, kernel: join(home, 'kernel') },
  bootDigest: 'boot 1',
});
const context = (signal = new AbortController().signal): BuildContext => ({
  signal,
  progress: ({ fraction }) => onProgress(fraction ?? 0),
});
const longAgo = new Date(Date.now() - 3_600_000);
const age = (...path: string[]) => utimes(join(...path), longAgo, longAgo);

describe('the base store', () => {
  it('makes a base once, with all files, and finds it from then on', async () => {
    const first = await bases.ensure(request(), context());
    expect(first).toMatchObject({ reused: false, facts: { description: 'a program' } });
    expect([...first.tree.keys()]).toEqual([
      '/bin',
      '/bin/program',
      '/lib',
      '/lib/library',
      '/lib/link',
      '/etc',
      '/etc/note',
    ]);
    const second = await createBaseStore(layout).ensure(request(), context());
    expect(second).toEqual({ ...first, reused: true });
    expect(planned).toBe(1);
    expect(await bases.has(first.digest)).toBe(true);
    expect((await bases.look(request())).digest).toBe(first.digest);
    expect((await stat(first.path)).mode & 0o777).toBe(0o644);
  });

  it('makes another when a file changes, or what boots, and knows content by name only then', async () => {
    const first = await bases.ensure(request(), context());
    await writeFile(join(home, 'library'), 'LIBRARY');
    const second = await bases.ensure(request(), context());
    expect([second.reused, second.digest === first.digest, planned]).toEqual([false, false, 2]);
    const other = await bases.ensure({ ...request(), bootDigest: 'boot 2' }, context());
    expect([other.reused, new Set([first.digest, second.digest, other.digest]).size]).toEqual([false, 3]);
    const same = await bases.ensure({ ...request('other key'), bootDigest: 'boot 2' }, context());
    expect([same.reused, same.digest]).toEqual([true, other.digest]);
    await rm(join(home, 'library'));
    await expect(bases.ensure(request(), context())).rejects.toThrow();
  });

  it('gives two who ask at once the same one, also from two processes', async () => {
    const others = createBaseStore(layout);
    const made = await Promise.all([
      bases.ensure(request(), context()),
      bases.ensure(request(), context()),
      others.ensure(request(), context()),
    ]);
    expect(new Set(made.map(({ path }) => path)).size).toBe(1);
    expect(planned).toBe(2);
    expect(await namesIn(layout.basesDir)).toEqual([made[0].digest]);
  });

  it('goes on for the second when the first is cancelled, and leaves nothing when both are', async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    onProgress = () => first.abort();
    const [one, two] = await Promise.allSettled([
      bases.ensure(request(), context(first.signal)),
      bases.ensure(request(), context(second.signal)),
    ]);
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'CANCELLED' } });
    expect(two).toMatchObject({ status: 'fulfilled', value: { reused: false } });
    await writeFile(join(home, 'library'), 'another');
    await expect(bases.ensure(request(), context(AbortSignal.abort()))).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await namesIn(layout.basesDir)).toHaveLength(1);
  });

  it('refuses files that change while they are written', async () => {
    onProgress = (fraction) => {
      if (fraction > 0) void utimes(join(home, 'program'), longAgo, longAgo);
    };
    await expect(bases.ensure(request(), context())).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await namesIn(layout.basesDir)).toEqual([]);
    onProgress = () => undefined;
    expect((await bases.ensure(request(), context())).reused).toBe(false);
  });

  it('makes anew what a crash left short, and ends what killed processes left', async () => {
    const first = await bases.ensure(request(), context());
    await truncate(first.path, 4096);
    expect(await bases.has(first.digest)).toBe(false);
    const gone = join(layout.basesDir, '.base-1-0.0123456789ab.fl-tmp');
    const { pid, startTicks } = thisProcess();
    const mine = join(layout.basesDir, `.base-${pid}-${startTicks}.0123456789ab.fl-tmp`);
    for (const dir of [gone, mine]) await mkdir(dir);
    await writeFile(join(gone, 'disk.raw'), 'half');
    // A store looks for them at its first write, and seldom after that.
    const second = await createBaseStore(layout).ensure(request(), context());
    expect([second.reused, second.digest]).toEqual([false, first.digest]);
    expect((await stat(second.path)).size).toBe(second.layout.bytes);
    expect((await namesIn(layout.basesDir)).sort()).toEqual([mine.slice(layout.basesDir.length + 1), first.digest]);
    await rm(mine, { recursive: true });
    await writeFile(join(layout.basesDir, first.digest, 'layout.json'), 'no JSON');
    expect((await bases.ensure(request(), context())).reused).toBe(false);
  });

  it('sees through links to what they lead to now', async () => {
    await rename(join(home, 'library'), join(home, 'library.1'));
    await writeFile(join(home, 'library.2'), 'newer');
    await symlink('library.1', join(home, 'library'));
    const first = await bases.ensure(request(), context());
    await rm(join(home, 'library'));
    await symlink('library.2', join(home, 'library'));
    const second = await bases.ensure(request(), context());
    expect([second.reused, second.digest === first.digest]).toEqual([false, false]);
  });

  it('drops what nobody uses, once it is old, with the records that lead to it', async () => {
    const first = await bases.ensure(request(), context());
    await writeFile(join(home, 'library'), 'another');
    const second = await bases.ensure(request(), context());
    const list = await bases.list();
    expect(list.map(({ digest }) => digest).sort()).toEqual([first.digest, second.digest].sort());
    for (const { bytes } of list) expect(bytes).toBeGreaterThan(3 << 20);
    await bases.prune(new Set());
    expect(await bases.has(first.digest)).toBe(true);
    for (const { digest } of [first, second]) await age(layout.basesDir, digest, 'layout.json');
    const records = () => namesIn(layout.buildsDir);
    const [record = ''] = await records();
    await bases.prune(new Set([second.digest]));
    expect([await bases.has(first.digest), await bases.has(second.digest)]).toEqual([false, true]);
    expect(await records()).toEqual([record]);
    await age(layout.buildsDir, record);
    await bases.prune(new Set([second.digest]));
    expect(await records()).toEqual([record]);
    await bases.prune(new Set());
    expect([await namesIn(layout.basesDir), await records()]).toEqual([[], []]);
    expect((await bases.ensure(request(), context())).reused).toBe(false);
    expect(planned).toBe(3);
  });

  it('writes a disk whose files can be read', async () => {
    const { path, tree } = await bases.ensure(request(), context());
    const { entries } = await withImage(path, async (image) => listTree(await image.volume('root'), 'root', '/', 100));
    expect(entries.map((entry) => entry.path).sort()).toEqual([...tree.keys()].sort());
    expect(entries.find((entry) => entry.path === '/bin/program')?.bytes).toBe(3 << 20);
  });
});
