import { stat } from 'node:fs/promises';
import type { TreeNode } from '../file-tree.ts';

/** A file of a tree with these bytes. */
export function bytesFile(content: string | Uint8Array): TreeNode {
  const data = typeof content === 'string' ? Buffer.from(content) : content;
  return { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length };
}

/** A file of a tree with the content of a file of this machine. */
export async function hostFile(path: string): Promise<TreeNode> {
  return { kind: 'file', content: { kind: 'host', path }, bytes: (await stat(path)).size };
}
