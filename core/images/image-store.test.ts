import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import type { BuildContext } from '#core/runtime/images.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import { emberBundling } from '#core/runtimes/ember/bundling.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { locateResources } from '#core/store/resources.ts';
import { createDeferred } from '#shared/deferred.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import { type Bundler, createBundler } from '../bundle/bundler.ts';
import { readProject } from '../projects/project-service.ts';
import { createLayout, type Layout } from '../store/layout.ts';
import { type Owner, thisProcess } from '../store/owner.ts';
import { namesIn } from '../store/write-atomic.ts';
import { createImageStore, type ImageStore } from './image-store.ts';

let home: string;
let dir: string;
let layout: Layout;
let bundler: Bundler;
let built: number;
let fingerprint: string;
/** The action of the next build before it writes. */
let beforeWrite: (context: BuildContext) => Promise<void>;
let minMemoryMiB: number;
/** The additional facts that the writer gives. */
let writer: { readonly sha256?: string };

const runtime = {
  id: 'ember',
  bundling: emberBundling,
  fingerprint: async () => fingerprint,
  fingerprintFiles: () => ['/kernel'],
  buildImage: async (bundle, path, context) => {
    built++;
    await beforeWrite(context);
    const content = `image of ${bundle.code}`;
    await writeFile(path, content);
    return {
      bytes: content.length,
      ...writer,
      minMemoryMiB,
      steps: [{ name: 'write', reused: false, reason: '', durationMs: 1 }],
    };
  },
} as const satisfies Partial<Runtime>;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-images-'));
  dir = join(home, 'project');
  layout = createLayout({ home, env: {}, uid: process.getuid?.() ?? 0 });
  bundler = createBundler({ layout, version: 'test', shimsDir: locateResources().shimsDir, runtimes: bundlings });
  built = 0;
  minMemoryMiB = 16;
  writer = {};
  fingerprint = 'kernel-1';
  beforeWrite = async () => undefined;
  await mkdir(dir);
  await write('firstlight.json', '{"name":"hello"}');
  await write('handler.ts', 'export default () => 1;');
});
afterEach(async () => {
  await bundler.close();
  await rm(home, { recursive: true, force: true });
});

const write = (path: string, text: string) => writeFile(join(dir, path), text);
const newStore = (by = bundler): ImageStore =>
  createImageStore({ layout, bundler: by, runtimes: new Map<RuntimeId, Runtime>([['ember', runtime as never]]) });
const context = (signal = new AbortController().signal): BuildContext => ({ signal, progress: () => undefined });
const build = async (store: ImageStore, signal?: AbortSignal) =>
  store.build(await readProject(dir, runtimes), context(signal));

describe('the image store', () => {
  it('builds once, and looks it up from then on', async () => {
    const store = newStore();
    const first = await build(store);
    expect(first.result).toMatchObject({ cached: false, image: { functionName: 'hello', minMemoryMiB: 16 } });
    expect(first.result.steps.map((step) => [step.name, step.reused, step.reason])).toEqual([
      ['bundle', false, 'first build of this project'],
      ['write', false, 'first build of this project'],
    ]);
    const second = await build(store);
    expect(second.result.cached).toBe(true);
    expect(second.image.id).toBe(first.image.id);
    expect(second.result.steps.every((step) => step.reused)).toBe(true);
    expect(second.result.steps.at(-1)?.reason).toMatch(/^reused: nothing changed since \d\d:\d\d:\d\d$/);
    expect((await build(newStore())).result.cached).toBe(true);
    expect(built).toBe(1);
  });

  it('finds a build again with all that it depends on, once its files are older than it', async () => {
    const store = newStore();
    const project = await readProject(dir, runtimes);
    const setTime = (at: number) => utimes(join(dir, 'handler.ts'), at, at);
    await setTime(Date.now() / 1000 + 3600);
    const first = await store.build(project, context());
    expect(await store.settle(project, first, context())).toBeNull();
    await setTime(1_000_000);
    const settled = await store.settle(project, first, context());
    expect(settled?.build.image).toEqual(first.image);
    expect(settled?.build.result).toMatchObject({ cached: true, steps: [{ reused: true }, { reused: true }] });
    expect(settled?.sources).toEqual(
      expect.arrayContaining([...['handler.ts', 'tsconfig.json', '.'].map((name) => join(dir, name)), '/kernel']),
    );
  });

  it('makes nothing of a project that has changed since its build, and the next build says why', async () => {
    const store = newStore();
    const first = await build(store);
    await write('handler.ts', 'export default () => 22;');
    const project = await readProject(dir, runtimes);
    expect(await store.settle(project, first, context())).toBeNull();
    expect(built).toBe(1);
    const reasons = (await build(store)).result.steps.map(({ reason }) => reason);
    expect(new Set(reasons)).toEqual(new Set(['rebuilt because handler.ts changed']));
    fingerprint = 'kernel-2';
    expect(await store.settle(project, await build(newStore()), context())).not.toBeNull();
  });

  it('builds nothing of a project that asks for more than its folder, until it is trusted', async () => {
    const store = newStore();
    const asks = [{ kind: 'network', subject: 'outbound', message: 'Opens connections.' }] as const;
    const project = { ...(await readProject(dir, runtimes)), asks: [...asks] };
    await expect(store.build(project, context())).rejects.toMatchObject({
      code: 'PROJECT_NOT_TRUSTED',
      message: 'hello asks for more than its own folder: Opens connections.',
      hint: expect.stringContaining(`firstlight trust ${dir}`),
      details: { problems: [{ severity: 'error', message: 'Opens connections.', file: 'firstlight.json' }] },
    });
    expect(built).toBe(0);
    expect((await store.build({ ...project, trusted: true }, context())).result.cached).toBe(false);
  });

  it('lets another user read the image, whatever the umask', async () => {
    const umask = process.umask(0o077);
    try {
      const { image } = await build(newStore());
      expect((await stat(image.path)).mode & 0o777).toBe(0o644);
      expect((await stat(dirname(image.path))).mode & 0o777).toBe(0o755);
    } finally {
      process.umask(umask);
    }
  });

  it('says why it built again', async () => {
    const store = newStore();
    const reason = async () => (await build(store)).result.steps.at(-1)?.reason;
    await reason();
    await write('handler.ts', 'export default () => 2;');
    expect(await reason()).toBe('rebuilt because handler.ts changed');
    await write('util.ts', 'export const two = 2;');
    await write('handler.ts', "import { two } from './util.ts';\nexport default () => two;");
    expect(await reason()).toBe('rebuilt because handler.ts changed and util.ts was added');
    await write('firstlight.json', '{"name":"hello","env":{"A":"b"}}');
    expect(await reason()).toBe('rebuilt because env in firstlight.json changed');
    fingerprint = 'kernel-2';
    expect(await reason()).toBe('rebuilt because the runtime changed');
    await write('firstlight.json', '{"name":"hello"}');
    fingerprint = 'kernel-1';
    await write('handler.ts', 'export default () => 1;');
    expect(await reason()).toMatch(/^reused: the same source was built at \d\d:\d\d:\d\d$/);
  });

  it('builds again what a crash left short of a byte', async () => {
    const store = newStore();
    const { image } = await build(store);
    await truncate(image.path, 5);
    const again = await build(store);
    expect(again.result).toMatchObject({ cached: false, image: { id: image.id, bytes: image.bytes } });
    expect(again.result.steps.at(-1)?.reason).toBe('rebuilt because the image was not there any more');
    expect((await build(store)).result.cached).toBe(true);
  });

  it('builds again what was overwritten with as many zeros', async () => {
    const store = newStore();
    const { image } = await build(store);
    expect((await store.list()).length).toBe(1);
    await writeFile(image.path, Buffer.alloc(image.bytes));
    expect(await store.list()).toEqual([]);
    expect((await build(store)).result).toMatchObject({ cached: false, image: { id: image.id } });
    expect(await readFile(image.path, 'utf8')).toContain('image of');
    // A file that only looks changed is read once, and counts as unchanged.
    await utimes(image.path, new Date(), new Date());
    expect((await build(store)).result.cached).toBe(true);
  });

  it('takes the digest that the writer gives, and finds what differs from it', async () => {
    writer = { sha256: 'f'.repeat(64) };
    const store = newStore();
    const { image } = await build(store);
    expect((await build(store)).result.cached).toBe(true);
    await utimes(image.path, new Date(), new Date());
    expect((await build(store)).result.cached).toBe(false);
  });

  it('makes one image when several ask for it at once, in one process or two', async () => {
    beforeWrite = () => new Promise((resolve) => setTimeout(resolve, 30));
    const store = newStore();
    const both = await Promise.all([build(store), build(store), build(store)]);
    expect(new Set(both.map(({ image }) => image.id)).size).toBe(1);
    expect(built).toBe(1);
    await write('handler.ts', 'export default () => 3;');
    // Neither finds the image of the other: both are there before one writes.
    const bothMake = createDeferred<void>();
    beforeWrite = async () => {
      if (built === 3) bothMake.resolve();
      await bothMake.promise;
    };
    const other = createBundler({ layout, version: 'test', shimsDir: locateResources().shimsDir, runtimes: bundlings });
    const [a, b] = await Promise.all([build(store), build(newStore(other))]);
    await other.close();
    expect(a.image).toEqual({ ...b.image, createdAt: a.image.createdAt });
    expect(built).toBe(3);
    expect((await readdir(layout.imagesDir)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('ends what a process left that was killed while it built, not what a living one makes', async () => {
    const temp = (owner: Owner) => `.image-${owner.pid}-${owner.startTicks}.0123456789ab.fl-tmp`;
    const [dead, alive] = [temp({ ...thisProcess(), startTicks: '1' }), temp(thisProcess())];
    for (const name of [dead, alive]) await mkdir(join(layout.imagesDir, name), { recursive: true });
    const { image } = await build(newStore());
    expect((await readdir(layout.imagesDir)).sort()).toEqual([alive, image.id].sort());
  });

  it('a build that is cancelled leaves nothing, and whoever waited for it takes over', async () => {
    const abort = new AbortController();
    const begun = createDeferred<void>();
    beforeWrite = async ({ signal }) => {
      begun.resolve();
      await new Promise((resolve) => setTimeout(resolve, 60));
      if (signal.aborted) throw new FirstlightError('CANCELLED', 'Cancelled.');
    };
    const store = newStore();
    const cancelled = build(store, abort.signal);
    await begun.promise;
    const waiting = build(store);
    setTimeout(() => abort.abort(), 20);
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await waiting).result.cached).toBe(false);
    expect((await namesIn(layout.imagesDir)).length).toBe(1);
  });

  it('maps what the function threw while it was built to its source', async () => {
    await write(
      'handler.ts',
      'const limit: number = 0;\nif (limit < 1) throw new Error("too low");\nexport default () => 1;',
    );
    beforeWrite = async () => {
      throw new FirstlightError('EVALUATION_THREW', 'Error: too low', {
        details: { stack: '    at <anonymous> (bundle.js:3:22)\n    at x (ember:dispatch:3:4)' },
      });
    };
    await expect(build(newStore())).rejects.toMatchObject({
      code: 'EVALUATION_THREW',
      details: {
        stack: expect.stringMatching(/^ {4}at <anonymous> \(handler\.ts:2:\d+\)$/),
        problems: [{ severity: 'error', message: 'Error: too low', file: 'handler.ts', line: 2 }],
      },
    });
  });

  it('refuses an image that does not fit the memory, without building it twice', async () => {
    minMemoryMiB = 48;
    const store = newStore();
    await build(store);
    await write('firstlight.json', '{"name":"hello","memoryMiB":32}');
    await expect(build(store)).rejects.toMatchObject({
      code: 'MEMORY_TOO_SMALL',
      message: 'hello has 32 MiB of memory and needs 48 MiB to boot.',
      hint: expect.stringContaining('48'),
    });
    expect(built).toBe(1);
  });

  it('hands on warnings of the configuration', async () => {
    await write('firstlight.json', '{"name":"hello","env":{"API_KEY":"x"}}');
    const { result } = await build(newStore());
    expect(result.warnings[0]?.message).toMatch(/looks like a secret/);
  });

  it('prunes what was not used for longest, never what is in use or was used just now', async () => {
    const store = newStore();
    const images = [];
    for (const count of [1, 2, 3, 4]) {
      await write('handler.ts', `export default () => ${count};`);
      images.push((await build(store)).image);
    }
    const [first, second, third, fourth] = images;
    if (first === undefined || second === undefined || third === undefined || fourth === undefined) throw new Error();
    for (const [index, { id }] of [first, second, third].entries()) {
      const used = new Date(Date.now() - 3_600_000 * (10 - index));
      await utimes(join(layout.imagesDir, id, 'manifest.json'), used, used);
    }
    expect(await store.pruneImages(1 << 20, new Set())).toBe(0);
    expect(await store.pruneImages(0, new Set([first.id]))).toBe(second.bytes + third.bytes);
    expect((await namesIn(layout.imagesDir)).sort()).toEqual([first.id, fourth.id].sort());
  });

  describe('of a runtime whose images share a base', () => {
    /** The bases on disk. */
    let there: Map<string, number>;
    let base: string;
    const shared = () => {
      const bases = {
        has: async (digest: string) => there.has(digest),
        list: async () => [...there].map(([digest, bytes]) => ({ digest, bytes })),
        prune: async (used: ReadonlySet<string>) => {
          for (const digest of there.keys()) if (!used.has(digest)) there.delete(digest);
        },
      };
      const buildImage: Runtime['buildImage'] = async (...given) => {
        there.set(base, 1000);
        return { ...(await runtime.buildImage(...given)), base };
      };
      const runtimes = new Map<RuntimeId, Runtime>([['ember', { ...runtime, bases, buildImage } as never]]);
      return createImageStore({ layout, bundler, runtimes });
    };
    beforeEach(() => {
      there = new Map();
      base = 'a'.repeat(64);
    });

    it('makes an image again whose base is gone, and finds it no more until then', async () => {
      const store = shared();
      const { image } = await build(store);
      expect((await build(store)).result.cached).toBe(true);
      there.clear();
      await expect(store.locate(image.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect(await store.list()).toEqual([]);
      const again = await build(store);
      expect([again.result.cached, again.image.id, built]).toEqual([false, image.id, 2]);
      expect(again.result.steps.at(-1)?.reason).toBe('rebuilt because the image was not there any more');
      expect(await store.list()).toHaveLength(1);
    });

    it('counts a base with the images on it, and drops it with the last of them', async () => {
      const store = shared();
      const images = [];
      for (const count of [1, 2, 3]) {
        base = (count === 3 ? 'b' : 'a').repeat(64);
        await write('handler.ts', `export default () => ${count};`);
        const { image } = await build(store);
        const used = new Date(Date.now() - 3_600_000 * (10 - count));
        await utimes(join(layout.imagesDir, image.id, 'manifest.json'), used, used);
        images.push(image);
      }
      const [first, second, third] = images;
      if (first === undefined || second === undefined || third === undefined) throw new Error();
      const total = 2000 + first.bytes + second.bytes + third.bytes;
      expect(await store.pruneImages(total, new Set())).toBe(0);
      expect(await store.pruneImages(total - 1, new Set())).toBe(first.bytes);
      expect([...there.keys()]).toEqual(['a'.repeat(64), 'b'.repeat(64)]);
      expect(await store.pruneImages(1500, new Set())).toBe(second.bytes + 1000);
      expect([...there.keys()]).toEqual(['b'.repeat(64)]);
      expect(await namesIn(layout.imagesDir)).toEqual([third.id]);
      there.set('c'.repeat(64), 1000);
      expect(await store.pruneImages(1e9, new Set())).toBe(1000);
      expect(await store.pruneImages(0, new Set([third.id]))).toBe(0);
    });
  });
});
