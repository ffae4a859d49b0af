import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { nanosBundling } from '#core/runtimes/nanos/bundling.ts';
import { sha256 } from '#core/store/digest.ts';
import { readProject } from '../projects/project-service.ts';
import { bundleProgram } from './bundle-program.ts';
import { validConfig } from './check-project.ts';

let home: string;
let dir: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-program-'));
  dir = join(home, 'project');
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), text);
}
const configure = (config: object) =>
  write('firstlight.json', JSON.stringify({ name: 'p', runtime: 'nanos', ...config }));
async function bundle() {
  const project = await readProject(dir, runtimes);
  return await bundleProgram(project, validConfig(project), nanosBundling, 'test');
}
const id = async () => (await bundle()).id;
/** True when the effect of `change` gives another bundle. */
async function changes(change: () => unknown): Promise<boolean> {
  const before = await id();
  await change();
  return (await id()) !== before;
}

describe('the bundle of a program', () => {
  it('is named by the program and the files that go in, relative to the project', async () => {
    await configure({ program: 'bin/server', files: { '/etc/app': 'conf', '/data/model': '../model' } });
    await write('bin/server', 'ELF');
    await write('conf/a.ini', 'a');
    await write('conf/deep/b.ini', 'b');
    await write('notes.txt', 'no part of it');
    await writeFile(join(home, 'model'), 'weights');
    const { inputs, code } = await bundle();
    expect(inputs.map(({ path, bytes }) => [path, bytes])).toEqual([
      [join(home, 'model'), 7],
      ['bin/server', 3],
      ['conf/a.ini', 1],
      ['conf/deep/b.ini', 1],
    ]);
    expect(code).toBe('');
    expect(await changes(() => write('notes.txt', 'changed'))).toBe(false);
    expect(await changes(() => write('bin/server', 'ELF 2'))).toBe(true);
    expect(await changes(() => write('conf/deep/b.ini', 'B'))).toBe(true);
    expect(await changes(() => write('conf/new.ini', ''))).toBe(true);
    expect(await changes(() => rename(join(dir, 'conf/new.ini'), join(dir, 'conf/renamed.ini')))).toBe(true);
    expect(await changes(() => mkdir(join(dir, 'conf/empty')))).toBe(true);
    expect(await changes(() => symlink('a.ini', join(dir, 'conf/link')))).toBe(true);
    expect(
      await changes(async () => {
        await unlink(join(dir, 'conf/link'));
        await symlink('deep/b.ini', join(dir, 'conf/link'));
      }),
    ).toBe(true);
  });

  it('is named by what of firstlight.json goes into an image, and by no more', async () => {
    await write('server', 'ELF');
    await configure({ program: 'server' });
    expect(await changes(() => configure({ program: 'server', memoryMiB: 512, timeoutMs: 5, vcpus: 2 }))).toBe(false);
    expect(await changes(() => configure({ program: 'server', hostPort: 4000, ports: [{ guest: 9000 }] }))).toBe(false);
    expect(await changes(() => configure({ program: 'server', port: 9000 }))).toBe(true);
    expect(await changes(() => configure({ program: 'server', args: ['-v'] }))).toBe(true);
    expect(await changes(() => configure({ program: 'server', env: { A: '1' } }))).toBe(true);
  });

  it('is the same for an older firstlight.json and the one that it becomes', async () => {
    await write('server', 'ELF');
    const [program, nanos] = [{ program: 'server', args: ['-v'], port: null }, { klibs: ['ntp'] }];
    await configure({ nanos: { ...program, ...nanos } });
    expect(await changes(() => configure({ ...program, nanos }))).toBe(false);
    await configure({ nanos: program });
    expect(await changes(() => configure(program))).toBe(false);
  });

  it('of Python has every module of the project, and nothing that tools keep there', async () => {
    await configure({ python: { script: 'app/main.py', packages: 'packages' } });
    for (const path of ['app/main.py', 'app/util.py', 'data.json', 'packages/lib/__init__.py']) await write(path, '1');
    for (const path of ['.git/HEAD', '.env', 'node_modules/x/y.js', 'app/__pycache__/main.pyc']) await write(path, '1');
    await write('packages/lib/__pycache__/x.pyc', '1');
    const paths = (await bundle()).inputs.map(({ path }) => path);
    expect(paths).toEqual(['app/main.py', 'app/util.py', 'data.json', 'packages/lib/__init__.py']);
    expect(await changes(() => write('app/util.py', '2'))).toBe(true);
    expect(await changes(() => write('packages/lib/__init__.py', '2'))).toBe(true);
    expect(await changes(() => write('app/__pycache__/main.pyc', '2'))).toBe(false);
    expect(await changes(() => write('packages/lib/__pycache__/x.pyc', '2'))).toBe(false);
    expect(await changes(() => write('.env', '2'))).toBe(false);
  });

  it('knows a large file by all of it', async () => {
    await configure({ program: 'server', files: { '/data': 'model' } });
    await write('server', 'ELF');
    const model = Buffer.alloc(5 << 20, 'weights');
    await writeFile(join(dir, 'model'), model);
    const input = (await bundle()).inputs.find(({ path }) => path === 'model');
    expect(input).toEqual({ path: 'model', bytes: model.length, sha256: sha256(model) });
    model[4 << 20] = 0;
    expect(await changes(() => writeFile(join(dir, 'model'), model))).toBe(true);
  });

  it('says what is named and not there, and waits for no pipe', async () => {
    await configure({ program: 'none' });
    await expect(bundle()).rejects.toMatchObject({ code: 'NOT_FOUND', hint: expect.stringContaining('"program"') });
    await configure({ python: { script: 'none.py' } });
    await expect(bundle()).rejects.toMatchObject({ hint: expect.stringContaining('"python.script"') });
    await write('server', 'ELF');
    await configure({ program: 'server', files: { '/x': 'pipe', '/y': 'folder' } });
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    await mkdir(join(dir, 'folder'));
    execFileSync('mkfifo', [join(dir, 'folder/pipe')]);
    expect((await bundle()).inputs.map(({ path }) => path)).toEqual(['server']);
  });
});
