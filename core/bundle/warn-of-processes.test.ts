import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { locateResources } from '#core/store/resources.ts';
import { readProject } from '../projects/project-service.ts';
import { createLayout } from '../store/layout.ts';
import { type Bundler, createBundler } from './bundler.ts';

let home: string;
let dir: string;
let bundler: Bundler;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-processes-'));
  dir = join(home, 'project');
  const layout = createLayout({ home, env: {}, uid: 1000 });
  bundler = createBundler({ layout, version: 'test', shimsDir: locateResources().shimsDir, runtimes: bundlings });
  await write('firstlight.json', '{"name":"hello","runtime":"nanos"}');
});
afterEach(async () => {
  await bundler.close();
  await rm(home, { recursive: true, force: true });
});

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), text);
}
async function warnings() {
  const request = { signal: new AbortController().signal, progress: () => undefined };
  return (await bundler.bundle(await readProject(dir, runtimes), request)).bundle.warnings;
}

it('warns of a function that starts processes, where it imports what does', async () => {
  await write(
    'handler.ts',
    `import { run } from './run.ts';\nimport cluster from 'cluster';\nexport default () => [run(), cluster.isPrimary];`,
  );
  await write('run.ts', `\n  import { execSync } from "node:child_process";\nexport const run = () => execSync('ls');`);
  const found = await warnings();
  expect(found.map(({ severity, file, line, column }) => [severity, file, line, column])).toEqual([
    ['warning', 'run.ts', 2, 28],
    ['warning', 'handler.ts', 2, 21],
  ]);
  expect(found[0]?.message).toMatch(/^"node:child_process" starts other processes\. The guest runs one process/);
  expect(found[1]?.message).toMatch(/^"cluster" starts other processes\./);
});

it('says of a package that it may never do so', async () => {
  await write('handler.ts', `import tool from '@some/tool';\nexport default () => tool();`);
  await write('node_modules/@some/tool/package.json', '{"name":"@some/tool","main":"lib/index.js"}');
  await write('node_modules/@some/tool/lib/index.js', `module.exports = () => require('child_process').fork('x');`);
  const [found, ...more] = await warnings();
  expect(more).toEqual([]);
  expect(found).toMatchObject({ file: 'node_modules/@some/tool/lib/index.js', line: 1 });
  expect(found?.message).toMatch(/^The package "@some\/tool" can start other processes, and may never do so/);
});

it('says nothing of worker threads, of types, and of what is left out of the bundle', async () => {
  await write(
    'handler.ts',
    `import { Worker } from 'node:worker_threads';
import type { ChildProcess } from 'node:child_process';
import { used } from './both.ts';
export default (event: { child?: ChildProcess }) => used(Worker, event);`,
  );
  await write('both.ts', `export { used } from './used.ts';\nexport { unused } from './unused.ts';`);
  await write('used.ts', 'export const used = (...values: unknown[]) => values.length;');
  await write('unused.ts', `import { fork } from 'node:child_process';\nexport const unused = () => fork('x');`);
  await write('package.json', '{"sideEffects":false}');
  expect(await warnings()).toEqual([]);
});
