import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FirstlightError } from '#shared/errors.ts';
// Everything that is shipped; the bundler and the packager read the same list.
import shipped from './shipped.json' with { type: 'json' };

/** Files that ship with the program. Shape: absolute paths. */
export interface Resources {
  readonly version: string;
  readonly guestKernelPath: string;
  /** The firmware that Ember is started with. */
  readonly emberFirmwarePath: string;
  /** The smallest guest there is: the benchmark's floor. */
  readonly floorKernelPath: string;
  /** The same with one SSE instruction in ring 0: where it runs under KVM, so do kernels that do all in ring 0. */
  readonly ordinaryKernelPath: string;
  readonly templatesDir: string;
  readonly schemaPath: string;
  readonly rendererDir: string;
  readonly bakeWorkerPath: string;
  /** The shims that the bundler adds to a function that names a web global: see core/bundle/globals.ts. */
  readonly shimsDir: string;
  /** Node's types, for the editor: see build/bundle-types.mjs. */
  readonly nodeTypesPath: string;
  /** The server that runs a function on Nanos, in the guest's Node.js. */
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
  // A folder's path in the list ends with a slash.
  const at = ({ path }: { path: string }) => join(root, path).replace(/\/$/, '');
  return {
    version,
    guestKernelPath: at(shipped.guestKernel),
    emberFirmwarePath: at(shipped.emberFirmware),
    floorKernelPath: at(shipped.floorKernel),
    ordinaryKernelPath: at(shipped.ordinaryKernel),
    templatesDir: at(shipped.templates),
    schemaPath: at(shipped.schema),
    rendererDir: at(shipped.renderer),
    bakeWorkerPath: at(shipped.bakeWorker),
    shimsDir: at(shipped.shims),
    nodeTypesPath: at(shipped.nodeTypes),
    functionServerPath: at(shipped.functionServer),
  };
}
