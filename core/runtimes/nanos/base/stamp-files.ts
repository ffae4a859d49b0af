/** Checks, without reading them, whether the host's files are unchanged since something was made from them. */
import { stat } from 'node:fs/promises';
import type { FileTree } from '@firstlight/files';
import { mapInBatches } from '@firstlight/files';
import { z } from 'zod';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';
import { FirstlightError } from '#shared/errors.ts';

const mode = z.number().optional();
/** A node of a tree in its stored form. Shape: `stamp` changes when the file does. */
export const stampedFileSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('directory'), path: z.string() }),
  z.object({ kind: z.literal('symlink'), path: z.string(), target: z.string() }),
  z.object({ kind: z.literal('data'), path: z.string(), base64: z.string(), mode }),
  z.object({ kind: z.literal('file'), path: z.string(), host: z.string(), bytes: z.number(), stamp: z.string(), mode }),
]);
export type StampedFile = z.output<typeof stampedFileSchema>;

/** A tree with a stamp for each file. Errors: NOT_FOUND for a file that is gone. */
export async function stampTree(tree: FileTree): Promise<StampedFile[]> {
  return await mapInBatches([...tree], async ([path, node]): Promise<StampedFile> => {
    if (node.kind === 'directory') return { kind: 'directory', path };
    if (node.kind === 'symlink') return { kind: 'symlink', path, target: node.target };
    const own = node.mode === undefined ? {} : { mode: node.mode };
    if (node.content.kind === 'bytes') {
      return { kind: 'data', path, base64: Buffer.from(node.content.data).toString('base64'), ...own };
    }
    const host = node.content.path;
    const found = await stampOf(host);
    if (found === null) {
      throw new FirstlightError('NOT_FOUND', `${host} is gone.`, { hint: 'Build again.', details: { subject: host } });
    }
    return { kind: 'file', path, host, ...found, ...own };
  });
}

/** True when every file is unchanged. */
export async function unchanged(files: readonly StampedFile[]): Promise<boolean> {
  const same = await mapInBatches(
    files,
    async (file) => file.kind !== 'file' || (await stampOf(file.host))?.stamp === file.stamp,
  );
  return same.every(Boolean);
}

async function stampOf(path: string): Promise<{ readonly stamp: string; readonly bytes: number } | null> {
  const stats = await stat(path, { bigint: true }).catch(undefinedIfMissing);
  if (stats === undefined) return null;
  return { stamp: `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs}`, bytes: Number(stats.size) };
}
