/** Writes a tree as a tar archive: the same tree gives the same bytes. */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type FileTree, readFailed, type TreeNode } from '@firstlight/files';
import { pack } from 'tar-stream';
import { TarError } from './tar-error.ts';

export interface WriteTarOptions {
  /** The owner of an entry. Default: 0, root. */
  readonly ownerOf?: (path: string, node: TreeNode) => number;
  /** Permission bits. Default: those of the node; 0755 for directories and for files executable on their host, 0644 for other files. */
  readonly modeOf?: (path: string, node: TreeNode) => number | undefined;
}

type Pack = ReturnType<typeof pack>;

/**
 * The bytes of an archive with the tree's entries, sorted by path, all with time 0.
 *
 * Errors: `invalid` when a file of this host does not have its length in the tree; as for reads of the file.
 */
export async function* writeTar(tree: FileTree, options: WriteTarOptions = {}): AsyncGenerator<Uint8Array> {
  const writer = pack();
  const writing = addAll(writer, tree, options).catch((thrown: unknown) => {
    // The reader of the archive gets the same error.
    writer.destroy(toError(thrown));
  });
  yield* writer as AsyncIterable<unknown> as AsyncIterable<Uint8Array>;
  await writing;
}

const toError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

async function addAll(writer: Pack, tree: FileTree, options: WriteTarOptions): Promise<void> {
  const paths = [...tree.keys()].sort((a, b) => (a < b ? -1 : 1));
  for (const path of paths) {
    const node = tree.get(path);
    if (node !== undefined) await addNode(writer, path, node, options);
  }
  writer.finalize();
}

async function addNode(writer: Pack, path: string, node: TreeNode, { ownerOf, modeOf }: WriteTarOptions) {
  const name = path.slice(1);
  const owner = ownerOf?.(path, node) ?? 0;
  const plain = { mtime: new Date(0), uid: owner, gid: owner, uname: '', gname: '' };
  const mode = modeOf?.(path, node) ?? (await defaultMode(node));
  if (node.kind === 'directory') writer.entry({ ...plain, name: `${name}/`, type: 'directory', mode });
  else if (node.kind === 'symlink') writer.entry({ ...plain, name, type: 'symlink', linkname: node.target, mode });
  else if (node.content.kind === 'bytes') {
    writer.entry({ ...plain, name, mode }, Buffer.from(node.content.data));
  } else await addHostFile(writer, { ...plain, name, mode, size: node.bytes }, node.content.path);
}

async function addHostFile(writer: Pack, header: Parameters<Pack['entry']>[0], path: string): Promise<void> {
  const entry = writer.entry(header);
  // The error goes to the code that awaits the entry.
  entry.on('error', () => undefined);
  const done = once(entry, 'finish');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > (header.size ?? 0)) throw changed(path);
      if (!entry.write(chunk)) await once(entry, 'drain');
    }
    if (bytes !== header.size) throw changed(path);
    entry.end(undefined);
    await done;
  } catch (thrown) {
    done.catch(() => undefined);
    entry.destroy(toError(thrown));
    throw thrown;
  }
}

const changed = (path: string) =>
  new TarError('invalid', `${path} changed while it was being packed.`, { subject: path, hint: 'Try again.' });

async function defaultMode(node: TreeNode): Promise<number> {
  if (node.kind === 'directory') return 0o755;
  if (node.kind === 'symlink') return 0o777;
  if (node.mode !== undefined) return node.mode;
  if (node.content.kind === 'bytes') return 0o644;
  const { path } = node.content;
  const { mode } = await stat(path).catch((thrown: unknown) => {
    throw readFailed(thrown, path);
  });
  return (mode & 0o111) === 0 ? 0o644 : 0o755;
}
