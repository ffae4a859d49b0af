import { ElfError, findFork, readElf, withFileSource } from '@firstlight/elf';
import type { FileTree } from '@firstlight/files';
import { formatReference, parseReference } from '@firstlight/oci';
import { pathTreeOf } from '@firstlight/tar';
import { forkWarnings } from '#core/programs/fork-warnings.ts';
import { type OpenOciImageOptions, openOciImage } from '#core/programs/oci/open-oci-image.ts';
import type { ImportWarning } from '#shared/model/import.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import { bytes } from '#shared/model/units.ts';
import { countFiles, type Examined, portIn } from './examined.ts';

const maxSkippedTold = 20;

/** An OCI image, its layers fetched into the cache. Errors: as `openOciImage`. */
export async function examineOciImage(
  text: string,
  runtime: RuntimeId,
  options: OpenOciImageOptions,
): Promise<Examined> {
  const { tree, run, digest, reference, layers, skipped } = await openOciImage(text, options);
  const parsed = parseReference(text, options.cwd);
  const warnings: ImportWarning[] = [...run.warnings];
  const program = run.program === null ? null : await examineProgram(tree, run.program);
  warnings.push(...(program?.warnings ?? []));
  for (const message of skipped.slice(0, maxSkippedTold)) warnings.push({ code: 'skipped', message, hint: null });
  const files = countFiles(tree);
  const port = portIn(run.args, run.env) ?? run.port;
  return {
    found: {
      source: formatReference(parsed),
      kind: 'oci-image',
      summary: `OCI image, ${layers} ${layers === 1 ? 'layer' : 'layers'}`,
      program: run.program,
      args: [...run.args],
      envNames: Object.keys(run.env).sort(),
      cwd: run.cwd,
      port,
      files: { count: files.count, bytes: bytes(files.bytes) },
      closure: null,
      missing: program?.missing ?? [],
      warnings,
      problems: [],
      digest,
    },
    title: titleOf(parsed),
    config: { runtime, image: reference, port },
    extraFiles: {},
  };
}

function titleOf(reference: ReturnType<typeof parseReference>): string {
  if (reference.kind === 'registry') return reference.name.split('/').at(-1) as string;
  const named = reference.tag?.split('/').at(-1)?.split(':')[0];
  const file = (reference.path.split('/').at(-1) ?? '').replace(/\.(tar|tgz|tar\.gz|tar\.zst)$/, '');
  return named !== undefined && reference.kind === 'docker-archive' ? named : file;
}

/** Examines a program in a tree: whether it starts others, and whether its dynamic linker exists. */
async function examineProgram(tree: FileTree, path: string): Promise<Pick<Examined['found'], 'warnings' | 'missing'>> {
  const node = tree.get(path);
  if (node?.kind !== 'file' || node.content.kind !== 'host') return { warnings: [], missing: [] };
  const hostPath = node.content.path;
  try {
    const { interpreter, type, machine, buildId } = await withFileSource(hostPath, readElf, path);
    const file = { path, realPath: path, links: [], passed: [], hostPath, bytes: node.bytes };
    const program = { ...file, type, machine, buildId };
    // Its libraries are the image's own: the program's own imports are the best evidence.
    const closure = {
      program,
      interpreter: interpreter === null ? null : file,
      libraries: [],
      missing: [],
      suggested: [],
      defaultDirs: [],
      warnings: [],
    };
    const warnings = forkWarnings(await findFork(closure)).map(({ message }) => ({
      code: 'fork' as const,
      message,
      hint: null,
    }));
    const isThere = interpreter === null || pathTreeOf(tree).lookUp(interpreter)?.node.kind === 'file';
    return { warnings, missing: isThere ? [] : [{ name: interpreter, neededBy: path }] };
  } catch (thrown) {
    if (!(thrown instanceof ElfError)) throw thrown;
    return { warnings: [{ code: 'architecture', message: thrown.message, hint: null }], missing: [] };
  }
}
