import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { readProject } from '#core/projects/project-service.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { createLayout } from '#core/store/layout.ts';
import { locateResources } from '#core/store/resources.ts';
import { FirstlightError } from '#shared/errors.ts';
import { type BundleOutcome, type BundleRequest, type Bundler, createBundler } from '../bundler.ts';

export interface BundleProject {
  /** The folder around the project. */
  home: string;
  dir: string;
  bundler: Bundler;
  readonly newBundler: () => Bundler;
  readonly write: (path: string, text: string) => Promise<void>;
  readonly request: () => BundleRequest;
  /** Bundles it, and waits until the bundle is on disk. */
  readonly bundle: (by?: Bundler) => Promise<Omit<BundleOutcome, 'saved' | 'sources'>>;
  /** The error of bundling it. */
  readonly failure: () => Promise<FirstlightError>;
}

/** A project in a folder of its own for each test of a file, with bundlers for it that end with the test. */
export function bundleProject(): BundleProject {
  const open: Bundler[] = [];
  const project: BundleProject = {
    home: '',
    dir: '',
    bundler: undefined as unknown as Bundler,
    newBundler() {
      const one = createBundler({
        layout: createLayout({ home: project.home, env: {}, uid: 1000 }),
        version: 'test',
        shimsDir: locateResources().shimsDir,
        runtimes: bundlings,
      });
      open.push(one);
      return one;
    },
    async write(path, text) {
      await mkdir(dirname(join(project.dir, path)), { recursive: true });
      await writeFile(join(project.dir, path), text);
    },
    request: () => ({ signal: new AbortController().signal, progress: () => undefined }),
    async bundle(by = project.bundler) {
      const {
        saved,
        sources: _,
        ...made
      } = await by.bundle(await readProject(project.dir, runtimes), project.request());
      await saved;
      return made;
    },
    async failure() {
      const thrown = await project.bundle().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (thrown instanceof FirstlightError) return thrown;
      throw new Error(`not a FirstlightError: ${String(thrown)}`);
    },
  };
  beforeEach(async () => {
    project.home = await mkdtemp(join(tmpdir(), 'fl-bundle-'));
    project.dir = join(project.home, 'project');
    project.bundler = project.newBundler();
    await project.write('firstlight.json', '{\n  "name": "hello",\n  "entry": "handler.ts"\n}');
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
    await rm(project.home, { recursive: true, force: true });
  });
  return project;
}
