import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Run } from '#shared/model/run.ts';
import { projectIdSchema, type RunId, runIdSchema } from '#shared/model/units.ts';
import { createLayout, type Layout } from './layout.ts';
import { thisProcess } from './owner.ts';
import { createRunStore, newRunId, type RunStore, type RunStoreOptions } from './run-store.ts';
import { runningRun } from './testing/runs.ts';

let home: string;
let layout: Layout;
const stores: RunStore[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-runs-'));
  layout = createLayout({ home, env: {}, uid: process.getuid?.() ?? 0 });
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.finishMaintenance();
  await rm(home, { recursive: true, force: true });
});

/** A store that is done with its work when the test's folder goes. */
function openStore(options?: RunStoreOptions): RunStore {
  const store = createRunStore(layout, options);
  stores.push(store);
  return store;
}

const idAt = (index: number): RunId => runIdSchema.parse(`${(0x10000000000 + index).toString(36)}-aaaaaa`);
/** The marker of a process that is gone: no process of this boot has that start time. */
const orphan = async (id: RunId) => {
  await mkdir(join(layout.runsDir, 'running'), { recursive: true });
  const owner = { ...thisProcess(), startTicks: '1' };
  await writeFile(join(layout.runsDir, 'running', `${id}.json`), JSON.stringify(owner));
};

describe('the run store', () => {
  it('keeps a run from its beginning to its end, for every process', async () => {
    const run = runningRun(newRunId());
    const recorder = await openStore().begin(run);
    expect((await openStore().get(run.id)).outcome).toBe('running');
    await recorder.finish({ ...run, outcome: 'ok' });
    expect(await openStore().get(run.id)).toEqual({ ...run, outcome: 'ok' });
    expect(await readdir(join(layout.runsDir, 'running'))).toEqual([]);
  });

  it('lists newest first, for one project or all, and sees what another process finished', async () => {
    const store = openStore();
    const other = projectIdSchema.parse('ba9876543210');
    for (const index of [3, 1, 2]) {
      const run = runningRun(idAt(index), index === 2 ? { projectId: other } : {});
      await (await store.begin(run)).finish({ ...run, outcome: 'ok' });
    }
    expect((await store.list()).map((run) => run.id)).toEqual([3, 2, 1].map(idAt));
    expect((await store.list({ limit: 1 })).map((run) => run.id)).toEqual([idAt(3)]);
    expect((await store.list({ projectId: other })).map((run) => run.id)).toEqual([idAt(2)]);
    const run = runningRun(idAt(4));
    const recorder = await openStore().begin(run);
    expect((await store.list({ limit: 1 }))[0]?.outcome).toBe('running');
    await recorder.finish({ ...run, outcome: 'failed' });
    expect((await store.list({ limit: 1 }))[0]?.outcome).toBe('failed');
  });

  it('drops the oldest beyond its limit, never one under way', async () => {
    const store = openStore({ limits: { total: 2 } });
    const live = await store.begin(runningRun(idAt(0)));
    for (const index of [1, 2, 3]) {
      const run = runningRun(idAt(index));
      await (await store.begin(run)).finish({ ...run, outcome: 'ok' });
    }
    expect((await store.list()).map((run) => run.id)).toEqual([idAt(3), idAt(2), idAt(0)]);
    await live.finish(runningRun(idAt(0), { outcome: 'ok' }));
    expect((await store.list()).map((run) => run.id)).toEqual([idAt(3), idAt(2)]);
  });

  const finishAll = async (store: RunStore, runs: readonly Run[]) => {
    for (const run of runs) await (await store.begin(run)).finish({ ...run, outcome: 'ok' });
  };
  const listed = async (store: RunStore) => (await store.list({ limit: 1000 })).map(({ id }) => id);

  it('has a limit for each function, so that one that runs often leaves the others alone', async () => {
    const store = openStore({ limits: { perFunction: 2 } });
    const other = projectIdSchema.parse('ba9876543210');
    await finishAll(store, [runningRun(idAt(0), { projectId: other })]);
    await finishAll(
      store,
      [1, 2, 3, 4].map((index) => runningRun(idAt(index))),
    );
    expect(await listed(store)).toEqual([idAt(4), idAt(3), idAt(0)]);
  });

  it('has a limit in bytes, consoles included, and keeps the newest run whatever its size', async () => {
    const store = openStore({ limits: { bytes: 250_000 } });
    const big = (index: number) => runningRun(idAt(index), { event: 'x'.repeat(100_000) });
    await finishAll(store, [big(1), big(2), big(3)]);
    expect(await listed(store)).toEqual([idAt(3), idAt(2)]);
    const talking = await store.begin(runningRun(idAt(4)));
    talking.appendConsole(Buffer.alloc(300_000));
    await talking.flushConsole();
    await talking.finish(runningRun(idAt(4), { outcome: 'ok' }));
    expect(await listed(store)).toEqual([idAt(4)]);
    talking.appendConsole(Buffer.alloc(100));
    await talking.flushConsole();
    await finishAll(store, [runningRun(idAt(5))]);
    expect(await listed(store)).toEqual([idAt(5)]);
  });

  it('lists from its index: neither a run’s size nor another process makes it read runs', async () => {
    const store = openStore();
    await finishAll(
      store,
      [1, 2, 3].map((index) => runningRun(idAt(index))),
    );
    await store.finishMaintenance();
    const index = join(layout.runsDir, 'index.jsonl');
    const lines = (await readFile(index, 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(3);
    // The listing shows the content of the line.
    await writeFile(index, `${lines.join('\n').replaceAll('"hello"', '"from the index"')}\n{"summary":{"id"`);
    const other = openStore();
    expect((await other.list()).map(({ functionName }) => functionName)).toEqual(Array(3).fill('from the index'));
    await finishAll(store, [runningRun(idAt(4))]);
    await store.finishMaintenance();
    expect((await other.list())[0]?.id).toBe(idAt(4));
    await store.remove(idAt(3));
    expect(await listed(other)).toEqual([4, 2, 1].map(idAt));
  });

  it('makes a lost index anew, and rewrites one that has grown long', async () => {
    const store = openStore();
    await finishAll(
      store,
      [1, 2].map((index) => runningRun(idAt(index))),
    );
    await store.finishMaintenance();
    const index = join(layout.runsDir, 'index.jsonl');
    await rm(index);
    const later = openStore();
    await later.recover();
    await later.finishMaintenance();
    expect((await readFile(index, 'utf8')).trim().split('\n')).toHaveLength(2);
    await appendFile(index, `{"removed":"${idAt(9)}"}\n`.repeat(300));
    await finishAll(later, [runningRun(idAt(3))]);
    await later.finishMaintenance();
    expect((await readFile(index, 'utf8')).trim().split('\n')).toHaveLength(3);
    expect(await listed(store)).toEqual([3, 2, 1].map(idAt));
  });

  it('stops listing when nobody waits for it', async () => {
    const store = openStore();
    await finishAll(store, [runningRun(idAt(1))]);
    await expect(store.list({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('marks the runs of dead processes as interrupted, and leaves those of living ones', async () => {
    const store = openStore();
    const [dead, alive] = [runningRun(idAt(1)), runningRun(idAt(2))];
    await store.begin(dead);
    await store.begin(alive);
    await orphan(dead.id);
    expect(await openStore().recover()).toMatchObject({ interrupted: [dead.id], setAside: [] });
    expect((await store.get(dead.id)).outcome).toBe('interrupted');
    expect((await store.get(alive.id)).outcome).toBe('running');
    expect((await openStore().recover()).interrupted).toEqual([]);
  });

  it('removes what was only begun, and half-written files', async () => {
    const id = idAt(1);
    await orphan(id);
    await mkdir(join(layout.runsDir, id), { recursive: true });
    await writeFile(join(layout.runsDir, id, '.run.json.0123456789ab.fl-tmp'), '{"vers');
    await openStore().recover();
    expect(await readdir(layout.runsDir)).toEqual(['running']);
    expect(await readdir(join(layout.runsDir, 'running'))).toEqual([]);
  });

  it('sets a broken file aside, says so, and goes on', async () => {
    const lines: string[] = [];
    const store = openStore({ log: (line) => lines.push(line) });
    for (const index of [1, 2]) {
      const run = runningRun(idAt(index));
      await (await store.begin(run)).finish({ ...run, outcome: 'ok' });
    }
    await writeFile(join(layout.runsDir, idAt(1), 'run.json'), '{"version":1,"run":{"id"');
    expect((await store.list()).map((run) => run.id)).toEqual([idAt(2)]);
    await expect(store.get(idAt(1))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^Set aside .*It is not JSON .* It is now .*set-aside/);
    const aside = await readdir(join(layout.runsDir, 'set-aside'));
    expect(await readFile(join(layout.runsDir, 'set-aside', aside[0] ?? '', 'run.json'), 'utf8')).toContain('{"id"');
  });

  it('removes a finished run with its console, and refuses one under way', async () => {
    const store = openStore();
    const run = runningRun(idAt(1));
    const recorder = await store.begin(run);
    recorder.appendConsole(Buffer.from('booted\r\n'));
    await recorder.flushConsole();
    await expect(store.remove(run.id)).rejects.toMatchObject({ code: 'CONFLICT' });
    await recorder.finish({ ...run, outcome: 'ok' });
    expect(Buffer.concat(await Readable.from(store.readConsole(run.id)).toArray()).toString()).toBe('booted\r\n');
    await store.remove(run.id);
    await expect(store.get(run.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(Readable.from(store.readConsole(run.id)).toArray()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(store.remove(run.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('begins empty, and answers so', async () => {
    const store = openStore();
    expect(await store.list()).toEqual([]);
    expect(await store.recover()).toEqual({ interrupted: [], setAside: [], removedTemps: 0 });
    const clock = vi.spyOn(Date, 'now').mockReturnValue(1_000);
    // The clock of a machine without a battery begins in 1970.
    expect(newRunId()).toMatch(/^000000rs-/);
    clock.mockRestore();
    await expect(store.get(newRunId())).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
