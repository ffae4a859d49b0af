/** Unpacks an archive into a folder whose files have our own names: no name from outside ever reaches the disk. */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type TreeNode, writeFailed } from '@firstlight/files';
import { z } from 'zod';
import type { Bytes } from './decompress.ts';
import type { PathTree } from './path-tree.ts';
import { type ReadTarOptions, readTar, type TarEntry } from './read-tar.ts';
import { invalidArchive, TarError } from './tar-error.ts';

/**
 * The entries of an archive, in order. Shape: `index` names the file in the folder with the content; null for an empty
 * one. A hard link inside the archive is a file, or symlink, that shares the content; `link` leads to a layer below.
 */
export const unpackedSchema = z.array(
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('directory'), path: z.string() }),
    z.object({
      kind: z.literal('file'),
      path: z.string(),
      bytes: z.number(),
      mode: z.number(),
      index: z.number().nullable(),
    }),
    z.object({ kind: z.literal('symlink'), path: z.string(), target: z.string() }),
    z.object({ kind: z.literal('link'), path: z.string(), target: z.string() }),
  ]),
);
export type Unpacked = z.output<typeof unpackedSchema>;
type UnpackedEntry = Unpacked[number];
type FileNode = Extract<TreeNode, { kind: 'file' }>;

/**
 * Writes the files of an archive into `dir`, which exists and is empty, and returns their entries.
 *
 * Errors: as `readTar`; `invalid` for a hard link to a folder; `write-failed`. Files written until then stay: the
 * caller removes `dir`.
 */
export async function unpackTar(packed: Bytes, dir: string, options: ReadTarOptions): Promise<Unpacked> {
  const unpacked: UnpackedEntry[] = [];
  const byPath = new Map<string, UnpackedEntry>();
  let files = 0;
  for await (const entry of readTar(packed, options)) {
    const made = await take(entry);
    unpacked.push(made);
    byPath.set(made.path, made);
  }
  return unpacked;

  async function take(entry: TarEntry): Promise<UnpackedEntry> {
    if (entry.kind === 'link') {
      const target = byPath.get(entry.target);
      if (target === undefined) return entry;
      if (target.kind !== 'directory') return { ...target, path: entry.path };
      throw invalidArchive(options.archive, `${entry.path} is a hard link to ${entry.target}, which is a folder.`);
    }
    if (entry.kind !== 'file') return entry;
    const { path, bytes, mode } = entry;
    if (bytes === 0) return { kind: 'file', path, bytes, mode, index: null };
    const index = files++;
    await writeContent(entry.content, unpackedPath(dir, index));
    return { kind: 'file', path, bytes, mode, index };
  }
}

/** The path of a file's content. */
export const unpackedPath = (dir: string, index: number): string => join(dir, String(index));

async function writeContent(content: Bytes, path: string): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'wx', 0o600);
    for await (const chunk of content) await file.writeFile(chunk);
  } catch (thrown) {
    throw writeFailed(thrown, path);
  } finally {
    await file?.close();
  }
}

/** Adds an entry unpacked into `dir`. Errors: `invalid` for a hard link to neither the archive nor a layer below. */
export function addUnpacked(tree: PathTree, entry: UnpackedEntry, dir: string): void {
  if (entry.kind !== 'link') {
    tree.add(entry.path, entry.kind === 'file' ? fileNode(entry, dir) : entry);
    return;
  }
  const target = tree.get(entry.target);
  if (target === undefined || target.kind === 'directory') {
    throw new TarError('invalid', `${entry.path} is a hard link to ${entry.target}, which is not there.`, {
      hint: 'Fetch or make the archive again; if it stays so, it was made wrongly or is hostile.',
      subject: entry.path,
    });
  }
  tree.add(entry.path, target);
}

function fileNode({ index, bytes, mode }: Extract<UnpackedEntry, { kind: 'file' }>, dir: string): FileNode {
  if (index === null) return { kind: 'file', content: { kind: 'bytes', data: new Uint8Array(0) }, bytes: 0, mode };
  return { kind: 'file', content: { kind: 'host', path: unpackedPath(dir, index) }, bytes, mode };
}
