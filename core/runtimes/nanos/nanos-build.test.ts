import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fakeBootParts } from '@firstlight/disk/testing';
import { mainCalling, openWorkshop, type Workshop } from '@firstlight/elf/testing';
import { elfHead, makeLayout } from '@firstlight/oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBundler } from '#core/bundle/bundler.ts';
import { runtimes } from '#core/engine/runtimes.ts';
import { createImageStore, type ImageStore } from '#core/images/image-store.ts';
import { optionsOf } from '#core/images/inspect/describe-image.ts';
import { findNode, nodesBelow } from '#core/images/inspect/find-node.ts';
import { withImage } from '#core/images/inspect/open-image.ts';
import { readProject } from '#core/projects/project-service.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { createLayout, type Layout } from '#core/store/layout.ts';
import { locateResources } from '#core/store/resources.ts';
import { namesIn } from '#core/store/write-atomic.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import { createNanosRuntime, type NanosOptions } from './nanos-runtime.ts';
import type { NanosFiles } from './releases/releases.ts';
import shipped from './shipped.json' with { type: 'json' };

let workshop: Workshop;
let home: string;
let layout: Layout;
let store: ImageStore;
let close: () => Promise<void>;

beforeEach(async () => {
  workshop = await openWorkshop();
  home = await mkdtemp(join(tmpdir(), 'fl-nanos-build-'));
  layout = createLayout({ home, env: {}, uid: process.getuid?.() ?? 0 });
  const { bootImage, kernel } = await fakeBootParts(home);
  const klib = join(home, 'strace');
  await writeFile(klib, 'klib');
  const release: NanosFiles = {
    version: '0.1.54',
    kernelImg: kernel,
    kernelElf: null,
    bootImg: bootImage,
    klibs: new Map([['strace', klib]]),
    digest: 'release',
  };
  const resources = locateResources();
  const options = {
    layout,
    releases: { resolve: async () => release },
    functionServerPath: resources.pathOf(shipped.functionServer),
    env: process.env,
  };
  const runtime = createNanosRuntime(options as unknown as NanosOptions);
  const bundler = createBundler({ layout, version: 'test', shimsDir: resources.shimsDir, runtimes: bundlings });
  close = bundler.close;
  store = createImageStore({ layout, bundler, runtimes: new Map<RuntimeId, Runtime>([['nanos', runtime]]) });
});
afterEach(async () => {
  await close();
  await workshop.remove();
  await rm(home, { recursive: true, force: true });
});

async function write(path: string, text: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(workshop.dir, path)), { recursive: true });
  await writeFile(join(workshop.dir, path), text);
}
const configure = (config: object) =>
  write('firstlight.json', JSON.stringify({ name: 'built', runtime: 'nanos', ...config }));
async function build() {
  const context = { signal: new AbortController().signal, progress: () => undefined };
  const { result, image } = await store.build(await readProject(workshop.dir, runtimes), context);
  const reused = Object.fromEntries(result.steps.map(({ name, reused }) => [name, reused]));
  const content = await withImage(image.path, async (opened) => {
    const volume = await opened.volume('root');
    const root = findNode(volume, '/');
    const paths = root.kind === 'directory' ? nodesBelow(volume, root.path).map(({ path }) => path) : [];
    return { paths, root: Object.fromEntries(optionsOf(volume)) };
  });
  return { ...content, image, reused, cached: result.cached, warnings: result.warnings };
}
const failure = () =>
  build().then(
    () => null,
    (thrown: unknown) => thrown,
  );

describe('an image of a function', () => {
  it('has Node.js with what it needs, what serves the function, and the bundle; an edit writes the last alone', async () => {
    await configure({ env: { COLOUR: 'blue' } });
    await write('handler.ts', 'export default () => 1;');
    const first = await build();
    expect(first.root).toMatchObject({
      arguments: [
        expect.stringMatching(/node$/),
        '/firstlight/serve-function.cjs',
        '/firstlight/bundle.cjs',
        '8080',
        'built',
      ],
      'environment.COLOUR': 'blue',
      ipaddr: '10.0.2.15',
    });
    expect(first.paths).toContain(first.root.program);
    expect(first.paths).toContain('/firstlight/serve-function.cjs');
    expect(first.paths.some((path) => /\/libc\.so\.6$/.test(path))).toBe(true);
    expect(first.reused).toEqual({ bundle: false, kernel: true, base: false, write: false });
    expect((await build()).cached).toBe(true);
    await write('handler.ts', 'export default () => 2;');
    const second = await build();
    expect(second.reused).toEqual({ bundle: false, kernel: true, base: true, write: false });
    await write('handler.ts', 'export default await Promise.resolve(() => 2);');
    expect((await build()).root.arguments).toContain('/firstlight/bundle.mjs');
    expect(await namesIn(layout.basesDir)).toHaveLength(1);
  });

  it('takes further files, klibs and volumes, and is made again when they change', async () => {
    await configure({
      files: { '/data/words': 'words', '/etc/hosts': `${home}/hosts` },
      volumes: { data: { mount: '/volume' } },
      nanos: { debug: { strace: true } },
      args: ['-x'],
    });
    await write('handler.ts', 'export default () => 1;');
    await write('words/a', 'a');
    await writeFile(join(home, 'hosts'), 'hosts');
    const first = await build();
    expect(first.paths).toEqual(expect.arrayContaining(['/data/words/a', '/etc/hosts', '/volume', '/klib/strace']));
    expect(first.root).toMatchObject({ mounts: { data: '/volume' }, klibs: 'rootfs', debugsyscalls: 't' });
    expect((first.root.arguments as string[]).at(-1)).toBe('-x');
    expect(first.warnings.map(({ message }) => message)).toEqual([
      `"files" takes ${home}/hosts into the image, which lies outside the project.`,
    ]);
    await write('words/a', 'A');
    expect((await build()).cached).toBe(false);
    await configure({ nanos: { klibs: ['none'] } });
    expect(await failure()).toMatchObject({ code: 'BAD_INPUT', message: 'Nanos 0.1.54 has no klib none.' });
  });

  it('runs on the Node.js that is named, and follows what that leads to', async () => {
    const node = join(workshop.dir, 'node');
    await symlink(process.execPath, node);
    await configure({ node: 'node' });
    await write('handler.ts', 'export default () => 1;');
    const first = await build();
    await unlink(node);
    await workshop.compile('other', 'int puts(const char *); int main(void) { return puts("v99.0.0") < 0; }');
    await symlink('other', node);
    const second = await build();
    expect([second.cached, second.reused.base, second.image.id === first.image.id]).toEqual([false, false, false]);
    await unlink(node);
    expect(await failure()).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('an image of a program', () => {
  it('has the program and its libraries; building it anew writes the program alone', async () => {
    const library = await workshop.compile('lib/libhere.so', 'int here(void) { return 1; }', '-shared', '-fPIC');
    const rpath = ['-Llib', '-lhere', '-Wl,-rpath,$ORIGIN/lib'];
    const program = await workshop.compile('server', mainCalling('here'), ...rpath);
    await configure({ program: 'server', args: ['-v'], port: null });
    const first = await build();
    expect(first.root).toMatchObject({ program, arguments: [program, '-v'] });
    expect(first.paths).toEqual(expect.arrayContaining([program, library]));
    await workshop.compile('server', `${mainCalling('here')}\nint more;`, ...rpath);
    const second = await build();
    expect([second.cached, second.reused.base]).toEqual([false, true]);
    await appendFile(library, 'changed');
    expect((await build()).reused.base).toBe(false);
    await rm(library);
    expect(await failure()).toMatchObject({ code: 'LIBRARY_MISSING' });
    await rm(program);
    expect(await failure()).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining(program) });
  });

  it('is warned of when it starts processes', async () => {
    await workshop.compile('forks', 'int fork(void); int main(void) { return fork(); }');
    await configure({ program: 'forks' });
    const [warning] = (await build()).warnings;
    expect(warning?.message).toMatch(/is likely to start other processes: it imports fork/);
  });
});

const python = ['/usr/bin/python3', '/usr/local/bin/python3'].find((path) => existsSync(path));
describe.skipIf(python === undefined)(
  `an image of a Python program${python ? '' : ' (skipped: no python3 here)'}`,
  () => {
    it('has interpreter, standard library, every module and package, and is made again when one changes', async () => {
      await configure({ python: { script: 'app/main.py', interpreter: python, packages: 'site' } });
      await write('app/main.py', 'import util');
      await write('app/util.py', '1');
      await write('app/__pycache__/util.pyc', '1');
      await write('.env', 'SECRET=1');
      await write('site/tool/__init__.py', '1');
      const first = await build();
      const { program } = first.root as { program: string };
      expect(first.root).toMatchObject({
        arguments: [program, '/app/app/main.py'],
        cwd: '/app',
        'environment.PYTHONPATH': '/packages',
      });
      expect(first.paths).toEqual(expect.arrayContaining([program, '/app/app/util.py', '/packages/tool/__init__.py']));
      expect(first.paths.some((path) => /\/json\/decoder\.pyc?$/.test(path))).toBe(true);
      expect(first.paths.filter((path) => /\.env|__pycache__|firstlight\.json/.test(path))).toEqual([]);
      expect((await build()).cached).toBe(true);
      await write('app/util.py', '2');
      const second = await build();
      expect([second.cached, second.reused.base]).toEqual([false, true]);
    });
  },
);

describe('an image of an image', () => {
  it('starts what that says, with its files, unless firstlight.json says otherwise', async () => {
    const layers = [
      [
        { name: 'bin/app', data: elfHead(), mode: 0o755 },
        { name: 'etc/app.conf', data: 'a' },
      ],
    ];
    const config = { Entrypoint: ['/bin/app'], Cmd: ['--serve'], Env: ['A=1'], WorkingDir: '/etc' };
    const dir = join(workshop.dir, 'oci');
    await makeLayout(dir, [{ layers: layers as never, config }]);
    await configure({ image: 'oci:oci', env: { B: '2' } });
    const first = await build();
    expect(first.root).toMatchObject({
      program: '/bin/app',
      arguments: ['/bin/app', '--serve'],
      'environment.A': '1',
      'environment.B': '2',
      cwd: '/etc',
    });
    expect(first.paths).toEqual(expect.arrayContaining(['/bin/app', '/etc/app.conf']));
    await configure({ image: 'oci:oci', args: ['--other'], env: { A: '3' } });
    const second = await build();
    expect(second.root).toMatchObject({ arguments: ['/bin/app', '--other'], 'environment.A': '3' });
    expect(second.reused.base).toBe(true);
    const soon = new Date(Date.now() + 5000);
    await utimes(join(dir, 'index.json'), soon, soon);
    expect((await build()).cached).toBe(true);
  });

  it('has the volumes that it declares where its links lead, and its user’s home', async () => {
    const layers = [
      [
        { name: 'bin/app', data: elfHead(), mode: 0o755 },
        { name: 'run/kept', data: 'kept' },
        { name: 'var/run', type: 'symlink', linkname: '../run' },
        { name: 'mnt/data/kept', data: 'kept' },
        { name: 'data', type: 'symlink', linkname: 'mnt/data' },
        { name: 'etc/passwd', data: 'app:x:1000:1000::/home/app:/bin/sh\n' },
      ],
    ];
    const config = { Cmd: ['app'], User: 'app', Volumes: { '/var/run/app': {}, '/data': {} } };
    await makeLayout(join(workshop.dir, 'oci'), [{ layers: layers as never, config }]);
    await configure({ image: 'oci:oci' });
    const { root, paths } = await build();
    expect(root).toMatchObject({
      program: '/bin/app',
      arguments: ['app'],
      'environment.HOME': '/home/app',
      'environment.PATH': expect.stringContaining('/usr/bin'),
    });
    expect(paths).toEqual(expect.arrayContaining(['/run/kept', '/run/app', '/mnt/data/kept', '/var/run', '/data']));
    expect(paths.filter((path) => /^\/(var\/run|data)\//.test(path))).toEqual([]);
  });
});
