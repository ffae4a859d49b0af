/** The store under kill -9 and on a full disk, both real. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Run } from '#shared/model/run.ts';
import { createLayout } from './layout.ts';
import { createRunStore, newRunId } from './run-store.ts';
import { createSettings } from './settings.ts';
import { runningRun } from './testing/runs.ts';
import { isTempName, namesIn, writeAtomic } from './write-atomic.ts';

const here = dirname(fileURLToPath(import.meta.url));
const uid = process.getuid?.() ?? 0;
let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'fl-store-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

/** Writes runs and settings without pause until it is killed, and prints each run it finished. */
const writer = `
  import { createLayout } from './layout.ts';
  import { createRunStore, newRunId } from './run-store.ts';
  import { createSettings } from './settings.ts';
  import { runningRun } from './testing/runs.ts';
  const layout = createLayout({ home: process.argv[2], env: {}, uid: process.getuid() });
  const store = createRunStore(layout);
  const settings = createSettings(layout);
  for (let count = 0; ; count++) {
    const run = runningRun(newRunId(), { functionName: 'f'.repeat(count % 4000) });
    const recorder = await store.begin(run);
    recorder.appendConsole(Buffer.alloc(5000, 'c'));
    await settings.set({ count, padding: 'p'.repeat(count % 3000) });
    await recorder.save({ ...run, event: { count } });
    await recorder.flushConsole();
    await recorder.finish({ ...run, outcome: 'ok', event: { count } });
    process.stdout.write(run.id + '\\n');
  }`;

describe('kill -9', () => {
  it('leaves whole files only, at whatever moment it comes', async () => {
    const script = join(work, 'writer.mjs');
    await build({
      stdin: { contents: writer, resolveDir: here, loader: 'ts' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile: script,
      logLevel: 'silent',
      conditions: ['source'],
    });
    const home = join(work, 'killed');
    const layout = createLayout({ home, env: {}, uid });
    const finished: string[] = [];
    for (let round = 0; round < 12; round++) {
      const child: ChildProcess = spawn(process.execPath, [script, home], { stdio: ['ignore', 'pipe', 'inherit'] });
      child.stdout?.setEncoding('utf8');
      let printed = '';
      child.stdout?.on('data', (text: string) => {
        printed += text;
      });
      // From before the first write to some dozens of runs in; a busy machine gets there late.
      if (round >= 4 && child.stdout !== null) await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, 60 + round * 30 + Math.random() * 40));
      child.kill('SIGKILL');
      await once(child, 'close');
      finished.push(...printed.split('\n').filter((line) => line.length > 10));

      const lines: string[] = [];
      const store = createRunStore(layout, { log: (line) => lines.push(line) });
      const recovery = await store.recover();
      expect(lines).toEqual([]);
      expect(recovery.setAside).toEqual([]);
      const runs: Run[] = [];
      for (const { id } of await store.list({ limit: 1000 })) runs.push(await store.get(id));
      expect(runs.map((run) => run.outcome).filter((outcome) => outcome === 'running')).toEqual([]);
      const ids = new Set<string>(runs.map((run) => run.id));
      for (const id of finished.slice(-400)) expect(ids.has(id)).toBe(true);
      await createSettings(layout, (line) => lines.push(line)).get();
      expect(lines).toEqual([]);
      await store.finishMaintenance();
      expect(lines).toEqual([]);
      // A half-written marker is removed when it is too old to belong to another live process.
      expect((await namesIn(join(layout.runsDir, 'running'))).filter((name) => !isTempName(name))).toEqual([]);
      for (const { id } of runs) expect((await readdir(join(layout.runsDir, id))).filter(isTempName)).toEqual([]);
    }
    expect(finished.length).toBeGreaterThan(0);
  }, 60_000);
});

describe('a full disk', () => {
  const canMount = mountTmpfs();

  it.skipIf(!canMount)(
    `is an error that names the path and what to do, and the old content stays${canMount ? '' : ' (skipped: only root may mount a small disk)'}`,
    async () => {
      const home = join(work, 'full');
      await mkdir(home);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=0711', 'tmpfs', home]);
      try {
        const layout = createLayout({ home, env: {}, uid });
        const store = createRunStore(layout);
        const run = runningRun(newRunId());
        const recorder = await store.begin(run);
        const settings = createSettings(layout);
        await settings.set({ theme: 'dark' });
        await writeFile(join(home, 'ballast'), Buffer.alloc(1 << 20)).catch(() => undefined);

        const failure = await recorder.save({ ...run, event: 'x'.repeat(50_000) }).catch((thrown: unknown) => thrown);
        expect(failure).toMatchObject({ code: 'DISK_FULL', message: expect.stringContaining(layout.runsDir) });
        expect(failure).toMatchObject({ hint: expect.stringContaining('Free some space') });
        await expect(store.begin(runningRun(newRunId()))).rejects.toMatchObject({ code: 'DISK_FULL' });
        await expect(settings.set({ theme: 'x'.repeat(50_000) })).rejects.toMatchObject({ code: 'DISK_FULL' });
        recorder.appendConsole(Buffer.alloc(100_000));
        await expect(recorder.flushConsole()).rejects.toMatchObject({ code: 'DISK_FULL' });
        await recorder.flushConsole();

        expect(await store.get(run.id)).toEqual(run);
        expect(await settings.get()).toEqual({ theme: 'dark' });
        expect((await readdir(layout.runsDir)).filter((name) => name !== 'running')).toEqual([run.id]);
        await rm(join(home, 'ballast'));
        await recorder.finish({ ...run, outcome: 'ok' });
        expect((await store.get(run.id)).outcome).toBe('ok');
        await store.finishMaintenance();
      } finally {
        execFileSync('umount', [home]);
      }
    },
  );

  /** Only root may mount; other users skip the test. */
  function mountTmpfs(): boolean {
    return uid === 0;
  }
});

describe('writeAtomic', () => {
  it('says what it could not do where it may not write', async () => {
    const path = join(work, 'no-such-folder', 'file');
    await expect(writeAtomic(path, 'x')).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining(path),
    });
  });

  it('lets two writers of one file end with one of their texts, whole', async () => {
    const path = join(work, 'shared.txt');
    const texts = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(100_000));
    await Promise.all(texts.map((text) => writeAtomic(path, text)));
    const names = await readdir(work);
    expect(names.filter(isTempName)).toEqual([]);
  });
});
