/** A function's bundle, with the shims that its code asks for. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runtimes } from '#core/engine/runtimes.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { locateResources } from '#core/store/resources.ts';
import { createBundler } from '../../core/bundle/bundler.ts';
import { readProject } from '../../core/projects/project-service.ts';
import { createLayout } from '../../core/store/layout.ts';

/** Bundles a handler for the project in `home`, which has its `firstlight.json`. */
export async function bundleIn(home: string, handler: string): Promise<string> {
  await writeFile(join(home, 'handler.ts'), handler);
  const layout = createLayout({ home, env: {}, uid: 1000 });
  const bundler = createBundler({ layout, version: 'test', shimsDir: locateResources().shimsDir, runtimes: bundlings });
  const request = { signal: new AbortController().signal, progress: () => undefined };
  try {
    return (await bundler.bundle(await readProject(home, runtimes), request)).bundle.code;
  } finally {
    await bundler.close();
  }
}
