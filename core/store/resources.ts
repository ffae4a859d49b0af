import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FirstlightError } from '#shared/errors.ts';

/** Files that ship with the program. Shape: absolute paths. */
export interface Resources {
  readonly version: string;
  readonly guestKernelPath: string;
  /** The smallest guest there is: the benchmark's floor. */
  readonly floorKernelPath: string;
  /** The same with one SSE instruction in ring 0: where it runs under KVM, so do kernels that do all in ring 0. */
  readonly ordinaryKernelPath: string;
  readonly templatesDir: string;
  readonly schemaPath: string;
  readonly rendererDir: string;
  readonly bakeWorkerPath: string;
  /** What the bundler adds to a function that names a web global: see core/bundle/globals.ts. */
  readonly shimsDir: string;
  /** Node's types, for the editor: see build/bundle-types.mjs. */
  readonly nodeTypesPath: string;
  /** What runs a function on Nanos, in the guest's Node.js. */
  readonly functionServerPath: string;
}

/**
 * The resources beside this program, whether it runs bundled from `dist/` or from source in a test.
 *
 * Errors: INTERNAL when no `package.json` of Firstlight lies above `from`.
 */
export function locateResources(from = dirname(fileURLToPath(import.meta.url))): Resources {
  for (let dir = from; ; dir = dirname(dir)) {
    const manifest = join(dir, 'package.json');
    if (existsSync(manifest)) {
      const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string; version?: string };
      if (name === 'firstlight' && version !== undefined) return resourcesIn(dir, version);
    }
    if (dir === dirname(dir)) throw new FirstlightError('INTERNAL', `No Firstlight installation above ${from}.`);
  }
}

function resourcesIn(root: string, version: string): Resources {
  return {
    version,
    guestKernelPath: join(root, 'dist/guest/ember.elf'),
    floorKernelPath: join(root, 'dist/guest/floor.elf'),
    ordinaryKernelPath: join(root, 'dist/guest/ordinary.elf'),
    templatesDir: join(root, 'assets/templates'),
    schemaPath: join(root, 'assets/firstlight.schema.json'),
    rendererDir: join(root, 'dist/renderer'),
    bakeWorkerPath: join(root, 'dist/bake-worker.mjs'),
    shimsDir: join(root, 'dist/shims'),
    nodeTypesPath: join(root, 'dist/types/node.json'),
    functionServerPath: join(root, 'dist/nanos/serve-function.cjs'),
  };
}
