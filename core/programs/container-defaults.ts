/** Files and folders that every container has, and programs rely on. */
import type { FileTree, FileTreeBuilder, TreeNode } from '@firstlight/files';
import { pathTreeOf } from '@firstlight/tar';

/** The name server of QEMU's user-mode network, and of most other networks of our machines. */
const nameServer = '10.0.2.3';
const hosts = '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n';
export const homeFolder = '/root';
/** A name that every hosts file has: a program that looks up its own host must not wait for a name server. */
const hostName = 'localhost';

/**
 * Adds the missing defaults: `/tmp`, `/dev/shm`, the home of root, the working directory, `/etc/hosts` and
 * `/etc/resolv.conf`, the last two also in place of empty files, which images have for their runtime to mount over; and
 * `/etc/hostname`, which a runtime always replaces.
 */
export function addContainerDefaults(builder: FileTreeBuilder, cwd: string | null): void {
  const tree = pathTreeOf(builder.tree);
  for (const folder of ['/tmp', '/dev/shm', homeFolder, ...(cwd === null ? [] : [cwd])]) {
    if (tree.lookUp(folder) === undefined) tree.add(folder, { kind: 'directory' });
  }
  for (const [path, text] of [
    ['/etc/hosts', hosts],
    ['/etc/resolv.conf', `nameserver ${nameServer}\n`],
  ] as const) {
    const found = tree.lookUp(path)?.node;
    if (found !== undefined && (found.kind !== 'file' || found.bytes > 0)) continue;
    // A link to nowhere (systemd's resolv.conf) is replaced, not followed.
    if (tree.get(path)?.kind === 'symlink') tree.remove(path);
    tree.add(path, textFile(text));
  }
  if (tree.get('/etc/hostname')?.kind === 'symlink') tree.remove('/etc/hostname');
  tree.add('/etc/hostname', textFile(`${hostName}\n`));
  addMissing(builder, tree.toFileTree());
}

/** Adds new folders only: a folder of the base must stay the same node. */
function addMissing(builder: FileTreeBuilder, tree: FileTree): void {
  for (const [path, node] of tree) {
    if (node.kind === 'directory' ? builder.get(path) === undefined : builder.get(path) !== node)
      builder.add(path, node);
  }
}

function textFile(text: string): Extract<TreeNode, { kind: 'file' }> {
  const data = Buffer.from(text);
  return { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length };
}
