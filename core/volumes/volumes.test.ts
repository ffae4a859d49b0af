import { mkdir, mkdtemp, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeDisk } from '@firstlight/disk';
import { bootNanos, compileStatic, nanosDir, nanosParts, skippedWithoutNanos } from '@firstlight/disk/testing';
import { createFileTree } from '@firstlight/files';
import { hostFile } from '@firstlight/files/testing';
import type { TupleValue } from '@firstlight/tfs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { VolumeHolder } from '#core/runtime/volume.ts';
import { mountedVolumeSchema } from '#shared/model/program.ts';
import { findProgram, type Launched, launch } from '../exec/launch.ts';
import { createLayout, type Layout } from '../store/layout.ts';
import { isOpenInQemu } from './image-lock.ts';
import { createVolumes, type Volumes } from './volumes.ts';

let home: string;
let layout: Layout;
let volumes: Volumes;
let changes: string[][];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-volumes-'));
  layout = createLayout({ home, env: {}, uid: process.getuid?.() ?? 0 });
  changes = [];
  volumes = createVolumes({ layout, waitMs: 0, onChange: (list) => changes.push(list.map(({ name }) => name)) });
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** An instance that wants volumes; `end` is its end. */
async function instance(name: string): Promise<VolumeHolder & { end: () => Promise<void> }> {
  const dir = join(home, name);
  await mkdir(dir);
  return { instance: name, dir, end: () => rm(dir, { recursive: true }) };
}

const hasQemu = findProgram(['qemu-system-x86_64'], process.env) !== null;
const skippedWithoutQemu = hasQemu ? '' : ' (skipped: QEMU is not installed)';

/** A QEMU that has an image open and runs nothing. */
async function openInQemu(path: string): Promise<{ end: () => Promise<unknown> }> {
  const args = ['-machine', 'none', '-S', '-nodefaults', '-display', 'none'];
  const qemu = launch('qemu-system-x86_64', [...args, '-drive', `if=none,file=${path},format=raw`], process.env);
  while (!(await isOpenInQemu(path))) {
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), failedOnExit(qemu)]);
  }
  return {
    end: () => {
      qemu.close();
      return qemu.exited;
    },
  };
}

const failedOnExit = async ({ exited }: Launched): Promise<never> => {
  const { code } = await exited;
  throw new Error(`QEMU ended with code ${code}.`);
};

const wanted = (...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, mountedVolumeSchema.parse({ mount: `/${name}`, sizeMiB: 4 })]));
const dirOf = (name: string) => join(layout.volumesDir, name);

describe('a volume', () => {
  it('is a sparse image with its name as its label, for its owner alone', async () => {
    const volume = await volumes.create('data', 100);
    expect(volume).toMatchObject({ name: 'data', bytes: 100 * 1024 ** 2, usedBy: null });
    expect(volume.usedBytes).toBeLessThan(1024 ** 2);
    const head = await readFile(volume.path);
    expect(head.toString('latin1', 0, 6)).toBe('NVMTFS');
    expect(head.subarray(0, 512).includes('data\0')).toBe(true);
    expect((await stat(volume.path)).mode & 0o777).toBe(0o600);
    // QEMU's user, where it is another one, may only pass through.
    if (layout.otherUserReads) expect((await stat(dirOf('data'))).mode & 0o777).toBe(0o711);
    expect(await volumes.list()).toEqual([volume]);
    expect(changes).toEqual([['data']]);
  });

  it('has another UUID than the next one', async () => {
    const [one, two] = [await volumes.create('one', 2), await volumes.create('two', 2)];
    const heads = await Promise.all([one, two].map(({ path }) => readFile(path)));
    expect(heads[0]?.subarray(0, 40)).not.toEqual(heads[1]?.subarray(0, 40));
  });

  it('is not made twice, whoever asks at the same time', async () => {
    const made = await Promise.allSettled([
      volumes.create('data', 4),
      createVolumes({ layout, waitMs: 0 }).create('data', 8),
    ]);
    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect(volumes.create('data', 4)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await readdir(layout.volumesDir)).toEqual(['data']);
  });

  it('goes with all that is in it when it is removed', async () => {
    await volumes.create('data', 4);
    await expect(volumes.remove('dada')).rejects.toMatchObject({ code: 'NOT_FOUND', hint: 'There are: data.' });
    await volumes.remove('data');
    expect(await readdir(layout.volumesDir)).toEqual([]);
    expect(changes.at(-1)).toEqual([]);
  });

  it('is left alone when it is broken', async () => {
    const { path } = await volumes.create('data', 4);
    await unlink(join(dirOf('data'), 'volume.json'));
    const holder = await instance('a-1');
    await expect(volumes.prepare(wanted('data'), holder)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
    await expect(volumes.remove('data')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await stat(path)).size).toBe(4 * 1024 ** 2);
  });
});

describe('an instance', () => {
  it('gets its volumes, made at their first use and kept after', async () => {
    const first = await instance('hello-1');
    const prepared = await volumes.prepare(wanted('data', 'logs'), first);
    expect(prepared).toEqual([
      { name: 'data', path: join(dirOf('data'), 'volume.img'), label: 'data', mount: '/data' },
      { name: 'logs', path: join(dirOf('logs'), 'volume.img'), label: 'logs', mount: '/logs' },
    ]);
    await writeFile(prepared[0]?.path ?? '', 'kept', { flag: 'r+' });
    await first.end();
    const again = await volumes.prepare(wanted('data'), await instance('hello-2'));
    expect((await readFile(again[0]?.path ?? '')).toString('latin1', 0, 4)).toBe('kept');
  });

  it('has them for itself until it ends, also before other processes', async () => {
    const first = await instance('hello-1');
    await volumes.prepare(wanted('data'), first);
    const others = createVolumes({ layout, waitMs: 0 });
    const second = await instance('other-1');
    const refused = {
      code: 'CONFLICT',
      message: 'The volume "data" is in use by the instance hello-1.',
      hint: expect.stringContaining('firstlight stop hello-1'),
    };
    await expect(others.prepare(wanted('data'), second)).rejects.toMatchObject(refused);
    await expect(others.remove('data')).rejects.toMatchObject(refused);
    expect((await others.list())[0]?.usedBy?.instance).toBe('hello-1');
    expect(await readdir(layout.volumesDir)).toEqual(['data']);

    await first.end();
    expect((await volumes.list())[0]?.usedBy).toBeNull();
    await others.prepare(wanted('data'), second);
    expect((await volumes.list())[0]?.usedBy?.instance).toBe('other-1');
    await second.end();
    await volumes.remove('data');
  });

  it('does not keep one that it got when it could not have another', async () => {
    const [first, second] = [await instance('a-1'), await instance('b-1')];
    await volumes.prepare(wanted('logs'), first);
    await expect(volumes.prepare(wanted('data', 'logs'), second)).rejects.toMatchObject({ code: 'CONFLICT' });
    await second.end();
    expect((await volumes.list()).map(({ usedBy }) => usedBy?.instance ?? null)).toEqual([null, 'a-1']);
  });

  it('is the only one of many that want the same at once, time and again', async () => {
    await volumes.create('data', 4);
    for (let round = 0; round < 20; round++) {
      const holders = await Promise.all(Array.from({ length: 8 }, (_, index) => instance(`r${round}-${index}`)));
      const tries = await Promise.allSettled(
        holders.map((holder) => createVolumes({ layout, waitMs: 0 }).prepare(wanted('data'), holder)),
      );
      const won = tries.flatMap(({ status }, index) => (status === 'fulfilled' ? [`r${round}-${index}`] : []));
      expect(won).toHaveLength(1);
      expect((await volumes.list())[0]?.usedBy?.instance).toBe(won[0]);
      await Promise.all(holders.map((holder) => holder.end()));
    }
    const locks = (await readdir(dirOf('data'))).filter((name) => name.includes('lock'));
    expect(locks).toHaveLength(1);
  });

  it('waits for one that is about to end', async () => {
    const first = await instance('a-1');
    await volumes.prepare(wanted('data'), first);
    const patient = createVolumes({ layout, waitMs: 20_000 });
    const waiting = patient.prepare(wanted('data'), await instance('b-1'));
    await new Promise((resolve) => setTimeout(resolve, 150));
    await first.end();
    expect(await waiting).toHaveLength(1);

    const abort = new AbortController();
    const cancelled = patient.prepare(wanted('data'), await instance('c-1'), abort.signal);
    abort.abort();
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.skipIf(!hasQemu).each([
    ['that was killed', /"pid":\d+/, '"pid":999999999'],
    ['of an earlier boot of the host', /"bootId":"[^"]*"/, '"bootId":"another"'],
  ])(`of a process %s has nothing any more, unless its QEMU runs${skippedWithoutQemu}`, async (_, field, value) => {
    const [data] = await volumes.prepare(wanted('data'), await instance('a-1'));
    const [name = ''] = (await readdir(dirOf('data'))).filter((entry) => entry.startsWith('lock-'));
    const path = join(dirOf('data'), name);
    await writeFile(path, (await readFile(path, 'utf8')).replace(field, value));
    expect((await volumes.list())[0]?.usedBy).toBeNull();

    const qemu = await openInQemu(data?.path ?? '');
    const second = await instance('b-1');
    const refused = { code: 'CONFLICT', message: 'The volume "data" is in use by the instance a-1.' };
    await expect(volumes.prepare(wanted('data'), second)).rejects.toMatchObject(refused);
    await expect(volumes.remove('data')).rejects.toMatchObject(refused);
    await qemu.end();
    expect(await volumes.prepare(wanted('data'), second)).toHaveLength(1);
  });

  it.skipIf(!hasQemu)(`does not get one that a foreign QEMU has${skippedWithoutQemu}`, async () => {
    const { path } = await volumes.create('data', 4);
    const qemu = await openInQemu(path);
    await expect(volumes.prepare(wanted('data'), await instance('a-1'))).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('a QEMU that Firstlight did not start'),
    });
    expect((await volumes.list())[0]?.usedBy).toEqual({ instance: null, since: null });
    await qemu.end();
  });
});

/** Adds a line to a file in the volume, and prints how many there are. */
const countStarts = `
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
  int file = open("/data/starts", O_CREAT | O_APPEND | O_RDWR, 0644);
  if (file < 0) { perror("open"); return 1; }
  if (write(file, "x", 1) != 1) { perror("write"); return 2; }
  if (fsync(file) != 0) { perror("fsync"); return 3; }
  printf("starts: %ld\\n", (long)lseek(file, 0, SEEK_END));
  return 0;
}
`;

describe('under the real kernel', () => {
  /** Boots with a new root: only the volume can have kept data. */
  async function bootWith(volumePath: string, label: string): Promise<string> {
    const builder = createFileTree();
    builder.add('/count', await hostFile(await compileStatic(home, 'count', countStarts)));
    builder.add('/data', { kind: 'directory' });
    const root = new Map<string, TupleValue>([
      ['program', '/count'],
      ['arguments', ['/count']],
      ['debug_exit', 't'],
      ['mounts', new Map([[label, '/data']])],
    ]);
    const path = join(home, 'root');
    await rm(path, { force: true });
    await writeDisk(path, { tree: builder.tree, root, digest: 'd', boot: nanosParts() });
    const drives = [path, volumePath].map((file) => ({ path: file, format: 'raw' as const }));
    return (await bootNanos(drives)).output;
  }

  it.skipIf(!nanosDir)(`a volume keeps what was written${skippedWithoutNanos}`, { timeout: 180_000 }, async () => {
    for (const starts of [1, 2, 3]) {
      const holder = await instance(`count-${starts}`);
      const [data] = await volumes.prepare(wanted('data'), holder);
      expect(await bootWith(data?.path ?? '', 'data')).toMatch(new RegExp(`^starts: ${starts}$`, 'm'));
      await holder.end();
    }
  });

  it.skipIf(!nanosDir)(
    `the smallest volume can be written to${skippedWithoutNanos}`,
    { timeout: 120_000 },
    async () => {
      const { path } = await volumes.create('small', 2);
      for (const starts of [1, 2])
        expect(await bootWith(path, 'small')).toMatch(new RegExp(`^starts: ${starts}$`, 'm'));
    },
  );
});
