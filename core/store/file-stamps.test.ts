import { link, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stampFiles } from './file-stamps.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-stamps-'));
  await writeFile(join(dir, 'a'), 'one');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** As if everything that is there had been there for long. */
const settled = () => ({ dir, readFromMs: Date.now() + 60_000 });

it('holds while nothing changes', async () => {
  await symlink('a', join(dir, 'link'));
  const stamps = await stampFiles(
    ['a', 'link', 'absent', '.'].map((name) => join(dir, name)),
    settled(),
  );
  expect(stamps?.areSame()).toBe(true);
  expect(stamps?.areSame()).toBe(true);
});

it.each([
  ['is written', () => writeFile(join(dir, 'a'), 'two words')],
  [
    'is replaced',
    async () => {
      await writeFile(join(dir, 'b'), 'one');
      await rename(join(dir, 'b'), join(dir, 'a'));
    },
  ],
  ['is removed', () => rm(join(dir, 'a'))],
  [
    'becomes a folder',
    async () => {
      await rm(join(dir, 'a'));
      await mkdir(join(dir, 'a'));
    },
  ],
])('sees at once that a file %s', async (_, change) => {
  const stamps = await stampFiles([join(dir, 'a')], settled());
  expect(stamps?.areSame()).toBe(true);
  await change();
  expect(stamps?.areSame()).toBe(false);
});

it('sees the target of a link change, and an absent file appear', async () => {
  await symlink('a', join(dir, 'link'));
  const ofLink = await stampFiles([join(dir, 'link')], settled());
  await writeFile(join(dir, 'a'), 'two words');
  expect(ofLink?.areSame()).toBe(false);

  const ofAbsent = await stampFiles([join(dir, 'absent')], settled());
  await writeFile(join(dir, 'absent'), '');
  expect(ofAbsent?.areSame()).toBe(false);
});

it('claims nothing for a file that may have changed after it was read', async () => {
  expect(await stampFiles([join(dir, 'a')], { dir, readFromMs: Date.now() - 60_000 })).toBeNull();
});

it('claims nothing for so many files that a look at them would take long', async () => {
  const paths = Array.from({ length: 501 }, (_, index) => join(dir, `${index}`));
  expect(await stampFiles(paths, settled())).toBeNull();
  expect(await stampFiles(paths.slice(1), settled())).not.toBeNull();
});

it('leaves it alone that a file of ours is linked elsewhere, and sees that it is written', async () => {
  const linked = [join(dir, 'a')];
  const stamps = await stampFiles([], { ...settled(), linked });
  await link(join(dir, 'a'), join(dir, 'elsewhere'));
  expect(stamps?.areSame()).toBe(true);
  await writeFile(join(dir, 'a'), 'two words');
  expect(stamps?.areSame()).toBe(false);
});
