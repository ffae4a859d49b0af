/** A Python program: interpreter, standard library, the project's own modules and its packages. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { addClosureFile, type Closure, closureToTree, resolveClosure } from '@firstlight/elf';
import { createFileTree, type FileTreeBuilder } from '@firstlight/files';
import { z } from 'zod';
import { runTool } from '#core/exec/run-tool.ts';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { addHostPath, skipCompiled, skipTools } from './add-files.ts';
import { addSuggested, requireComplete, warningsOfRuntime } from './check-closure.ts';
import { findProgram, realPathOf } from './find-program.ts';
import type { ProgramSource } from './source.ts';

const appInGuest = '/app';
const packagesInGuest = '/packages';
/**
 * CPython 3.11 with http.server answered in 30 MiB in each of 4 starts, in 28 in 2 of 3. So it did up to 64 MiB and from
 * 104 up; between them the kernel keeps more back for itself, and it ran out of memory.
 */
const minMemoryMiB = 32;

const factsSchema = z.object({
  version: z.string(),
  tag: z.string(),
  stdlib: z.string(),
  dynload: z.string(),
  /** The program itself; the entry on PATH may only lead to it (pyenv, a virtual environment). */
  executable: z.string(),
});
type PythonFacts = z.output<typeof factsSchema>;

/** Asks the interpreter itself. It is isolated and without `site`, so no package changes the answer. */
const question = [
  'import json, os, sys, sysconfig',
  'lib = sysconfig.get_path("stdlib")',
  'said = {"version": sys.version.split()[0], "tag": sys.implementation.cache_tag, "stdlib": lib}',
  'print(json.dumps({**said, "dynload": lib + "/lib-dynload", "executable": os.path.realpath(sys.executable)}))',
].join('\n');

/** Folders of the standard library that no program needs at run time. */
const leftOut = new Set([
  'test',
  'tests',
  'idlelib',
  'tkinter',
  'turtledemo',
  'ensurepip',
  'lib2to3',
  'distutils',
  'site-packages',
  'dist-packages',
  '__pycache__',
]);

/** The source for a project that names a Python script. Errors: NOT_FOUND without a Python. */
export async function pythonSource(
  config: ProjectConfig,
  projectDir: string,
  env: NodeJS.ProcessEnv,
): Promise<ProgramSource> {
  const python = config.python;
  const script = python?.script ?? '';
  const interpreter = await findProgram('python3', python?.interpreter, projectDir, env);
  const packages = python?.packages === undefined ? null : resolve(projectDir, python.packages);
  return {
    // `python3` may lead to another version's program tomorrow.
    baseKey: JSON.stringify(['python', interpreter, await realPathOf(interpreter)]),
    planBase: async () => {
      const { stdout } = await runTool(interpreter, ['-I', '-S', '-c', question]);
      const facts = factsSchema.parse(JSON.parse(stdout));
      const builder = createFileTree();
      const closure = await resolveClosure(facts.executable, { loads: await sharedObjectsIn(facts.dynload) });
      requireComplete(closure);
      closureToTree(closure, builder);
      addSuggested(closure, builder);
      await addLibrary(builder, facts.stdlib, facts);
      const description = `Python ${facts.version} with its standard library`;
      return {
        tree: builder.tree,
        facts: { program: closure.program.realPath, description, warnings: warningsOfRuntime(closure) },
      };
    },
    own: async (_bundle, { program }) => {
      const builder = createFileTree();
      await addHostPath(builder, appInGuest, projectDir, skipTools);
      const warnings = packages === null ? [] : await addPackages(builder, packages, program ?? interpreter);
      const path = program ?? interpreter;
      return {
        tree: builder.tree,
        program: path,
        command: [path, `${appInGuest}/${script}`],
        args: config.args ?? [],
        // Bytecode compiled in the guest would be lost with it.
        env: { PYTHONPATH: packagesInGuest, PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' },
        cwd: appInGuest,
        minMemoryMiB,
        warnings,
      };
    },
  };
}

async function sharedObjectsIn(dir: string): Promise<string[]> {
  const names = (await readdir(dir, { recursive: true }).catch(undefinedIfMissing)) ?? [];
  return names.filter((name) => /\.so(\.|$)/.test(name)).map((name) => join(dir, name));
}

/**
 * Adds the standard library, compiled: a module's bytecode lies where its source would, so that Python uses it
 * unchanged. Beside its source it would compare the times of both, which the guest's file system has not kept.
 */
async function addLibrary(builder: FileTreeBuilder, dir: string, { tag }: PythonFacts): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (leftOut.has(entry.name) || /^config-\d/.test(entry.name)) continue;
    if (entry.isDirectory()) await addLibrary(builder, path, { tag } as PythonFacts);
    else if (!entry.name.endsWith('.py')) await addHostPath(builder, path, path);
    else {
      const compiled = join(dir, '__pycache__', `${entry.name.slice(0, -3)}.${tag}.pyc`);
      const there = (await stat(compiled).catch(undefinedIfMissing)) !== undefined;
      await addHostPath(builder, there ? `${path}c` : path, there ? compiled : path);
    }
  }
}

/** Adds installed packages, and the libraries that their compiled parts need. Errors: LIBRARY_MISSING, NOT_FOUND. */
async function addPackages(builder: FileTreeBuilder, dir: string, interpreter: string) {
  await addHostPath(builder, packagesInGuest, dir, skipCompiled);
  const loads = await sharedObjectsIn(dir);
  if (loads.length === 0) return [];
  const closure: Closure = await resolveClosure(interpreter, { loads });
  requireComplete(closure);
  for (const library of closure.libraries)
    if (!library.realPath.startsWith(`${dir}/`)) addClosureFile(builder, library);
  return warningsOfRuntime(closure);
}
