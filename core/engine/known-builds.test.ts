import { link, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Build } from '#core/images/image-store.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Project } from '#shared/model/project.ts';
import { createKnownBuilds, type KnownBuildsOptions } from './known-builds.ts';

let dir: string;
let file: string;
let looks: number;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-known-'));
  file = join(dir, 'handler.ts');
  looks = 0;
  await writeFile(file, 'one');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const projectNow = () => ({ id: '0123456789ab', dir, name: 'hello' }) as Project;
const build = { image: { id: 'i' }, result: { cached: false, buildMs: 9 } } as unknown as Build;
const again = { image: { id: 'i', path: '/nowhere/image' }, result: { cached: true, buildMs: 7 } } as unknown as Build;

function createKnown(more: Partial<KnownBuildsOptions> = {}) {
  return createKnownBuilds({
    images: {
      settle: async () => {
        looks++;
        return { build: again, sources: [file] };
      },
    },
    projects: { get: async () => projectNow(), sourcesOf: () => [join(dir, 'firstlight.json')] },
    signal: new AbortController().signal,
    log: (line) => {
      throw new Error(line);
    },
    ...more,
  });
}

it('knows a build until a file changes, and looks for it no more than once', async () => {
  const known = createKnown();
  const project = projectNow();
  expect(known.find(project.id)).toBeNull();
  await known.settle(project, build);
  const found = known.find(project.id);
  expect(found).toMatchObject({ project, build: { image: { id: 'i' }, result: { cached: true } } });
  expect(found?.build.result.buildMs).not.toBe(7);
  await known.settle(project, build);
  expect(looks).toBe(1);
  await writeFile(file, 'another');
  expect(known.find(project.id)).toBeNull();
  await writeFile(file, 'one');
  expect(known.find(project.id)).toBeNull();
});

it('knows a build while its image is linked into jails, until the image goes', async () => {
  const image = join(dir, 'image');
  await writeFile(image, 'image');
  await utimes(image, 1, 1);
  const inCache = { ...again, image: { ...again.image, path: image } };
  const known = createKnown({ images: { settle: async () => ({ build: inCache, sources: [file] }) } });
  await known.settle(projectNow(), build);
  await link(image, join(dir, 'jailed'));
  expect(known.find(projectNow().id)).not.toBeNull();
  await rm(image);
  expect(known.find(projectNow().id)).toBeNull();
});

it('sees a file appear that the project did not have', async () => {
  const known = createKnown();
  await known.settle(projectNow(), build);
  expect(known.find(projectNow().id)).not.toBeNull();
  await writeFile(join(dir, 'firstlight.json'), '{}');
  expect(known.find(projectNow().id)).toBeNull();
});

it.each([
  [
    'the project is another one',
    { projects: { get: async () => ({ ...projectNow(), name: 'x' }), sourcesOf: () => [] } },
  ],
  ['the image store finds another build', { images: { settle: async () => null } }],
  [
    'a file is saved during the look',
    {
      images: {
        settle: async () => {
          await writeFile(file, 'saved now');
          return { build: again, sources: [file] };
        },
      },
    },
  ],
])('does not know a build when %s', async (_, more) => {
  const known = createKnown(more);
  await known.settle(projectNow(), build);
  expect(known.find(projectNow().id)).toBeNull();
});

it('says so when it could not look, and stops with the engine', async () => {
  const lines: string[] = [];
  const closing = new AbortController();
  const images = { settle: () => Promise.reject(new FirstlightError('STORE_UNUSABLE', 'The disk is gone.')) };
  const known = createKnown({ images, signal: closing.signal, log: (line) => lines.push(line) });
  await known.settle(projectNow(), build);
  expect(lines).toEqual(['The build of hello is looked for again: The disk is gone.']);
  closing.abort();
  await known.settle(projectNow(), build);
  expect(lines.length).toBe(1);
});

it('forgets', async () => {
  const known = createKnown();
  await known.settle(projectNow(), build);
  known.forget(projectNow().id);
  expect(known.find(projectNow().id)).toBeNull();
});
