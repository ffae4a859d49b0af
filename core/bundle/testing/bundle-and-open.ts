/** Bundles projects and runs them in the guest's engine, for tests. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runtimes } from '#core/engine/runtimes.ts';
import { readProject } from '#core/projects/project-service.ts';
import type { Bundle } from '#core/runtime/bundle.ts';
import { type OpenFunction, openFunction } from '#core/runtimes/ember/testing/open-function.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { createLayout } from '#core/store/layout.ts';
import { locateResources } from '#core/store/resources.ts';
import { type Bundler, createBundler } from '../bundler.ts';

export interface Workshop {
  readonly dir: string;
  readonly write: (path: string, text: string) => Promise<void>;
  /** The bundle of the project, with `handler` as its handler.ts. */
  readonly bundle: (handler?: string, config?: object) => Promise<Bundle>;
  /** The bundle of a project that lies elsewhere. */
  readonly bundleAt: (dir: string) => Promise<Bundle>;
  readonly open: (handler: string) => Promise<OpenFunction>;
  /** Lets the project import a package that Firstlight itself has installed. */
  readonly link: (name: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A separate project, and a bundler. Call `close` when done. */
export async function openWorkshop(): Promise<Workshop> {
  const home = await mkdtemp(join(tmpdir(), 'fl-function-'));
  const dir = join(home, 'project');
  const resources = locateResources();
  const bundler: Bundler = createBundler({
    layout: createLayout({ home, env: {}, uid: 1000 }),
    version: 'test',
    shimsDir: resources.shimsDir,
    runtimes: bundlings,
  });
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  };
  const request = { signal: new AbortController().signal, progress: () => undefined };
  const bundleAt = async (at: string) =>
    (await bundler.bundle({ ...(await readProject(at, runtimes)), trusted: true }, request)).bundle;
  const bundle = async (handler?: string, config: object = {}) => {
    await write('firstlight.json', JSON.stringify({ name: 'f', ...config }));
    if (handler !== undefined) await write('handler.ts', handler);
    return await bundleAt(dir);
  };
  return {
    dir,
    write,
    bundle,
    bundleAt,
    open: async (handler) => await openFunction((await bundle(handler)).code),
    link: async (name) => {
      await mkdir(dirname(join(dir, 'node_modules', name)), { recursive: true });
      await symlink(join(dirname(resources.templatesDir), '../node_modules', name), join(dir, 'node_modules', name));
    },
    close: async () => {
      await bundler.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
