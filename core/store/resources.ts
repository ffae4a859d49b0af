import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FirstlightError } from '#shared/errors.ts';
// The shipped files; the bundler and the packager read the same list, and those of the runtimes.
import shipped from './shipped.json' with { type: 'json' };

/** An entry of `shipped.json`. */
export interface ShippedFile {
  /** Shape: relative to the installation; ends with a slash for a folder. */
  readonly path: string;
}

/** Files that ship with the program. Shape: absolute paths. */
export interface Resources {
  readonly version: string;
  /** The smallest possible guest: the benchmark's lower bound. */
  readonly floorKernelPath: string;
  readonly templatesDir: string;
  readonly schemaPath: string;
  readonly rendererDir: string;
  /** The shims that the bundler adds to a function that names a web global: see core/bundle/globals.ts. */
  readonly shimsDir: string;
  /** Node's types, for the editor: see build/bundle-types.mjs. */
  readonly nodeTypesPath: string;
  /** The place of a file that a runtime lists in its own `shipped.json`. */
  readonly pathOf: (file: ShippedFile) => string;
  /** Process 1 of a pod that carries its own VMM: guest/pod. */
  readonly podSupervisorPath: string;
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
  const at = ({ path }: ShippedFile) => join(root, path).replace(/\/$/, '');
  return {
    version,
    floorKernelPath: at(shipped.floorKernel),
    templatesDir: at(shipped.templates),
    schemaPath: at(shipped.schema),
    rendererDir: at(shipped.renderer),
    shimsDir: at(shipped.shims),
    nodeTypesPath: at(shipped.nodeTypes),
    pathOf: at,
    podSupervisorPath: at(shipped.podSupervisor),
  };
}
