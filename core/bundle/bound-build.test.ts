import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { locateResources } from '#core/store/resources.ts';
import { readProject } from '../projects/project-service.ts';
import { createLayout } from '../store/layout.ts';
import { type Bundler, createBundler } from './bundler.ts';

let home: string;
let bundler: Bundler;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-endless-'));
  bundler = createBundler({
    layout: createLayout({ home, env: {}, uid: 1000 }),
    version: 'test',
    shimsDir: locateResources().shimsDir,
    runtimes: bundlings,
  });
});
afterEach(async () => {
  await bundler.close();
  await rm(home, { recursive: true, force: true });
});

async function write(project: string, files: Readonly<Record<string, string>>): Promise<string> {
  const dir = join(home, project);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return dir;
}
const bundle = async (dir: string, signal = new AbortController().signal) =>
  bundler.bundle(await readProject(dir, runtimes), { signal, progress: () => undefined });

const makePipe = (path: string) => void execFileSync('mkfifo', [path]);
const importOf = (path: string) => `import x from ${JSON.stringify(path)};\nexport default () => x;`;

describe.each(['ember', 'nanos'])('for %s, a build ends at once', (runtime) => {
  const config = { 'firstlight.json': `{"name": "endless", "runtime": "${runtime}"}` };
  const npm = {
    'node_modules/p/package.json': '{"main": "index.js"}',
    'node_modules/p/index.js': 'module.exports = 1;',
  };

  it.each([
    ['a module is a pipe', './x.ts', {}, 'x.ts', makePipe, /^handler.ts:1:15: .*x.ts is a pipe: it cannot be imported/],
    ['a module is a device', './x.json', {}, 'x.json', (path: string) => symlink('/dev/zero', path), /is a device/],
    ['a package’s code is a pipe', 'p', npm, 'node_modules/p/index.js', makePipe, /index.js is a pipe/],
    ['a package’s package.json is a pipe', 'p', npm, 'node_modules/p/package.json', makePipe, /package.json is a pipe/],
    [
      'a package.json below is a pipe',
      './sub/x.ts',
      { 'sub/x.ts': 'export default 1;' },
      'sub/package.json',
      makePipe,
      /package.json is a pipe/,
    ],
    [
      'a tsconfig.json below is a pipe',
      './sub/x.ts',
      { 'sub/x.ts': 'export default 1;' },
      'sub/tsconfig.json',
      makePipe,
      /tsconfig.json is a pipe/,
    ],
    [
      'a tsconfig.json extends a pipe',
      './x.ts',
      { 'x.ts': 'export default 1;', 'tsconfig.json': '{"extends": "./base.json"}' },
      'base.json',
      makePipe,
      /base.json is a pipe/,
    ],
  ])('where %s', async (_, specifier, files, odd, make, message) => {
    const dir = await write('odd', { ...config, ...files, 'handler.ts': importOf(specifier) });
    await rm(join(dir, odd), { force: true });
    await make(join(dir, odd));
    await expect(bundle(dir)).rejects.toMatchObject({ code: 'BUILD_FAILED', message: expect.stringMatching(message) });
    // The same project compiles once a file is in its place, and others are not held up.
    await rm(join(dir, odd));
    await writeFile(join(dir, odd), odd.endsWith('.json') ? '{}' : 'export default 2;');
    expect((await bundle(dir)).bundle.code).toContain('x');
    const other = await write('other', { ...config, 'handler.ts': 'export default () => 3;' });
    expect((await bundle(other)).bundle.code).toContain('3');
  });
});

it('a build that waits for a pipe is cancelled, and its compiler does not wait on', async () => {
  const dir = await write('odd', {
    'firstlight.json': '{"name": "endless"}',
    'handler.ts': importOf('./sub/x.ts'),
    'sub/x.ts': 'export default 1;',
  });
  makePipe(join(dir, 'sub/package.json'));
  const cancel = new AbortController();
  setTimeout(() => cancel.abort(), 50);
  await expect(bundle(dir, cancel.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
  await rm(join(dir, 'sub/package.json'));
  expect((await bundle(dir)).bundle.code).toContain('x');
});
