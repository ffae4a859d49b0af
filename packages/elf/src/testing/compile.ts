import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runTool } from '@firstlight/files/testing';

/** A directory for compilation, which `remove` deletes. */
export interface Workshop {
  readonly dir: string;
  /** Compiles C to a program or library below the directory and gives its path. */
  readonly compile: (name: string, code: string, ...flags: readonly string[]) => Promise<string>;
  readonly remove: () => Promise<void>;
}

/** A new empty directory to compile in. */
export async function openWorkshop(): Promise<Workshop> {
  const dir = await mkdtemp(join(tmpdir(), 'firstlight-elf-'));
  return {
    dir,
    compile: async (name, code, ...flags) => {
      const path = join(dir, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(`${path}.c`, code);
      await runTool('gcc', ['-o', path, `${path}.c`, ...flags], { cwd: dir });
      return path;
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

/** A program that does nothing. */
export const emptyMain = 'int main(void) { return 0; }';

/** A library with one function, which calls another function if one is given. */
export const libraryCode = (name: string, calls?: string): string =>
  calls === undefined
    ? `int ${name}(void) { return 1; }`
    : `int ${calls}(void);\nint ${name}(void) { return ${calls}(); }`;

/** A program that calls a function of a library. */
export const mainCalling = (name: string): string => `int ${name}(void);\nint main(void) { return ${name}(); }`;
