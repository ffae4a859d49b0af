import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tempPathFor } from '../store/write-atomic.ts';
import { sweepProject } from './sweep-project.ts';

let dir: string;
let elsewhere: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-sweep-'));
  elsewhere = await mkdtemp(join(tmpdir(), 'fl-elsewhere-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
  await rm(elsewhere, { recursive: true, force: true });
});

/** The remains of a write to `path` that was killed an hour ago. */
async function leave(path: string): Promise<string> {
  const temp = tempPathFor(path);
  await writeFile(temp, 'half');
  const before = new Date(Date.now() - 3_600_000);
  await utimes(temp, before, before);
  return temp;
}

it('removes what killed writes left in a project, and nothing else', async () => {
  await mkdir(join(dir, 'lib/deep'), { recursive: true });
  await mkdir(join(dir, 'node_modules'));
  await symlink(elsewhere, join(dir, 'linked'));
  const ours = [await leave(join(dir, 'firstlight.json')), await leave(join(dir, 'lib/deep/a.ts'))];
  const others = [join(dir, '.a.ts.tmp'), join(dir, 'lib/.b.swp'), tempPathFor(join(dir, 'now.ts'))];
  for (const path of others) await writeFile(path, 'x');
  others.push(await leave(join(dir, 'node_modules/x')), await leave(join(elsewhere, 'x')));
  expect(await sweepProject(dir)).toBe(2);
  expect(ours.filter((path) => existsSync(path))).toEqual([]);
  expect(others.filter((path) => !existsSync(path))).toEqual([]);
});
