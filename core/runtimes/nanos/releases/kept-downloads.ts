import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { kernelVersionSchema } from '#shared/model/kernel.ts';
import { undefinedIfMissing } from '../../../store/write-atomic.ts';
import { archiveName } from './download.ts';

/**
 * Interrupted downloads, by version. One process at a time has a download: it is moved to that process's folder.
 *
 * Shape: `workDir` is a temporary folder; the download lies in a folder of the version's name in it.
 */
export interface KeptDownloads {
  /** The folder to download into, with the files of an earlier try. */
  readonly take: (version: string, workDir: string) => Promise<string>;
  /** Puts its files back for the next try. */
  readonly putBack: (version: string, workDir: string) => Promise<void>;
  /** Puts back the download of a killed process in `workDir`. */
  readonly putBackAll: (workDir: string) => Promise<void>;
}

const downloadsName = 'download';

/** The interrupted downloads in `dir`. */
export function createKeptDownloads(dir: string): KeptDownloads {
  const workPath = (workDir: string, version: string) => join(workDir, downloadsName, version);

  async function putBack(version: string, workDir: string): Promise<void> {
    const from = workPath(workDir, version);
    const archive = await stat(join(from, archiveName)).catch(undefinedIfMissing);
    if (archive === undefined || archive.size === 0) return;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    // Another try that was interrupted since is worth no more than this one.
    await rm(join(dir, version), { recursive: true, force: true });
    await rename(from, join(dir, version));
  }

  return {
    putBack,
    take: async (version, workDir) => {
      const path = workPath(workDir, version);
      await mkdir(join(workDir, downloadsName), { recursive: true, mode: 0o700 });
      await rename(join(dir, version), path).catch(undefinedIfMissing);
      await mkdir(path, { recursive: true, mode: 0o700 });
      return path;
    },
    putBackAll: async (workDir) => {
      const versions = (await readdir(join(workDir, downloadsName)).catch(undefinedIfMissing)) ?? [];
      for (const version of versions) {
        if (kernelVersionSchema.safeParse(version).success) await putBack(version, workDir);
      }
    },
  };
}
