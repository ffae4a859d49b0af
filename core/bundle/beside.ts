/** The files beside a bundle in the guest: packages that open files, and files that the function's own code opens. */
import { relative } from 'node:path';
import type { Metafile } from 'esbuild';
import type { BundleFile } from '#core/runtime/bundle.ts';
import { FirstlightError, type Problem } from '#shared/errors.ts';
import { filesBeside } from './files-beside.ts';
import { isStandIn, type Kept, packageNameOf } from './keep-packages.ts';
import { filesOfPackages, namesFor, packageDirOf, packagesToKeep } from './packages-beside.ts';

export interface Beside {
  readonly files: readonly BundleFile[];
  /** Files of this machine, with esbuild's form of paths. */
  readonly paths: readonly string[];
  readonly warnings: readonly Problem[];
  /** True when a kept package can only be imported, not required. */
  readonly hasModulesOnly: boolean;
}

export const nothingBeside: Beside = { files: [], paths: [], warnings: [], hasModulesOnly: false };

/** A worker's script in one piece. Shape: `paths` are its input files in esbuild's form. */
export interface Script {
  readonly code: string;
  readonly paths: readonly string[];
  readonly kept: Kept;
}

/**
 * Builds until all packages that open files are kept out of the bundle. `kept` is reused by the next build. Errors: as
 * `build`.
 */
export async function rebuildBeside<Built extends { readonly metafile: Metafile }>(
  projectDir: string,
  kept: Kept,
  build: () => Promise<Built>,
): Promise<Built> {
  for (;;) {
    const known = kept.names.size;
    let made: Built | undefined;
    let failure: unknown;
    try {
      made = await build();
      for (const name of await packagesToKeep(projectDir, made.metafile)) kept.names.add(name);
    } catch (thrown) {
      failure = thrown;
      // Node.js may still find a file that cannot be compiled here.
      for (const name of await packagesThatFailed(projectDir, thrown)) kept.names.add(name);
    }
    if (kept.names.size > known) continue;
    if (made === undefined) throw failure;
    return made;
  }
}

async function packagesThatFailed(projectDir: string, thrown: unknown): Promise<Set<string>> {
  if (!(thrown instanceof FirstlightError) || thrown.code !== 'BUILD_FAILED') return new Set();
  const dirs = (thrown.details.problems ?? []).flatMap(({ severity, file }) => {
    const dir = severity === 'error' ? packageDirOf(file ?? '') : undefined;
    return dir === undefined ? [] : [dir];
  });
  return await namesFor(projectDir, dirs, {});
}

/** `compile` makes a script's own bundle. Errors: as `compile`. */
export async function collectBeside(
  projectDir: string,
  kept: Kept,
  metafile: Metafile,
  compile: (path: string) => Promise<Script>,
): Promise<Beside> {
  const found = await filesBeside(projectDir, metafile);
  const own: BundleFile[] = [];
  const dirs = new Set([...kept.dirs, ...found.packages]);
  const addonsOf = new Map(kept.addons);
  const scriptPaths: string[] = [];
  for (const file of found.files) {
    if (file.host === undefined || !found.scripts.has(file.guest)) {
      own.push(file);
      continue;
    }
    const script = await compile(relative(projectDir, file.host));
    own.push({ ...file, code: script.code });
    scriptPaths.push(...script.paths);
    for (const dir of script.kept.dirs) dirs.add(dir);
    for (const [name, host] of script.kept.addons) addonsOf.set(name, host);
  }
  const addons = [...addonsOf].map(([name, host]): BundleFile => ({ guest: `/firstlight/${name}`, host }));
  const files = [...(await filesOfPackages(projectDir, dirs)), ...addons, ...own];
  const hasModulesOnly = Object.entries(metafile.inputs).some(
    ([path, { imports }]) =>
      !isStandIn(path) &&
      imports.some(
        ({ external, kind, path: specifier }) =>
          external && kind === 'import-statement' && kept.names.has(packageNameOf(specifier) ?? ''),
      ),
  );
  const paths = files.flatMap(({ host }) => (host === undefined ? [] : [relative(projectDir, host)]));
  return { files, paths: [...new Set([...paths, ...scriptPaths])], warnings: found.warnings, hasModulesOnly };
}
