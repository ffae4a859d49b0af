import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { locateResources } from '#core/store/resources.ts';
import { readProject } from '../projects/project-service.ts';
import { createLayout } from '../store/layout.ts';
import { createBundler } from './bundler.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-death-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** The compilers that this process started. */
const compilers = (): number[] =>
  readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8')
      .split(' ')
      .filter((pid) => pid !== '' && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--service='))
      .map(Number),
  );

it('a build follows the death of the compiler, which the system may end for its memory', async () => {
  const resources = locateResources();
  const bundler = createBundler({
    layout: createLayout({ home: join(dir, 'home'), env: {}, uid: 0 }),
    version: '1',
    shimsDir: resources.shimsDir,
    runtimes: bundlings,
  });
  const request = { signal: new AbortController().signal, progress: () => undefined };
  const build = async (text: string) => {
    await writeFile(join(dir, 'handler.ts'), `export default () => '${text}';`);
    return (await bundler.bundle(await readProject(dir, runtimes), request)).bundle.code;
  };
  await writeFile(join(dir, 'firstlight.json'), '{ "name": "f", "entry": "handler.ts" }');
  expect(await build('one')).toContain('one');
  const before = compilers();
  expect(before).not.toEqual([]);
  for (const pid of before) process.kill(pid, 'SIGKILL');
  expect(await build('two')).toContain('two');
  // Also where its end is known by then.
  for (const pid of compilers()) process.kill(pid, 'SIGKILL');
  await sleep(100);
  expect(await build('three')).toContain('three');
  await bundler.close();
});
