import type { ImageNode, Volume } from '@firstlight/tfs';
import type { ImageChange, ImageDiff } from '#shared/model/image-tree.ts';
import type { Json } from '#shared/model/json.ts';
import { haveSameBytes } from './compare-files.ts';
import { optionsOf } from './describe-image.ts';

/** Nobody reads more; the result records that there are more. */
const maxChanges = 10_000;
/** The most characters of an option's value that are shown. */
const maxShownChars = 1000;

/** The differences of `after`: files by path with their content, options by name. Errors: IMAGE_INVALID, STORE_UNUSABLE. */
export async function diffImages(before: Volume, after: Volume, signal: AbortSignal): Promise<ImageDiff> {
  const changes = diffOptions(before, after);
  const olds = new Map(before.nodes.map((node) => [node.path, node]));
  const news = new Map(after.nodes.map((node) => [node.path, node]));
  for (const path of [...new Set([...olds.keys(), ...news.keys()])].sort()) {
    signal.throwIfAborted();
    const change = await diffNodes(before, after, path, olds.get(path), news.get(path));
    if (change !== null) changes.push(change);
    if (changes.length > maxChanges) break;
  }
  return {
    same: changes.length === 0,
    changes: changes.slice(0, maxChanges),
    truncated: changes.length > maxChanges,
  };
}

function diffOptions(before: Volume, after: Volume): ImageChange[] {
  const olds = optionsOf(before);
  const news = optionsOf(after);
  return [...new Set([...olds.keys(), ...news.keys()])].sort().flatMap((name): ImageChange[] => {
    const was = showOption(olds.get(name));
    const is = showOption(news.get(name));
    if (JSON.stringify(olds.get(name)) === JSON.stringify(news.get(name))) return [];
    return [{ kind: kindOf(was, is), subject: name, of: 'option', what: ['value'], before: was, after: is }];
  });
}

function showOption(value: Json | undefined): string | null {
  if (value === undefined) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > maxShownChars ? `${text.slice(0, maxShownChars - 1)}…` : text;
}

const kindOf = (was: string | null, is: string | null): ImageChange['kind'] => {
  if (was === null) return 'added';
  return is === null ? 'removed' : 'changed';
};

async function diffNodes(
  before: Volume,
  after: Volume,
  path: string,
  old: ImageNode | undefined,
  now: ImageNode | undefined,
): Promise<ImageChange | null> {
  const what = old === undefined || now === undefined ? [] : await differencesOf(before, after, old, now);
  if (old !== undefined && now !== undefined && what.length === 0) return null;
  const was = old === undefined ? null : showNode(old);
  const is = now === undefined ? null : showNode(now);
  return { kind: kindOf(was, is), subject: path, of: 'entry', what, before: was, after: is };
}

async function differencesOf(
  before: Volume,
  after: Volume,
  old: ImageNode,
  now: ImageNode,
): Promise<ImageChange['what']> {
  if (old.kind === 'symlink' && now.kind === 'symlink') return old.target === now.target ? [] : ['target'];
  if (old.kind !== 'file' || now.kind !== 'file') return old.kind === now.kind ? [] : ['kind'];
  if (old.data.bytes !== now.data.bytes) return ['size'];
  return (await haveSameBytes(before.disk, old.data, after.disk, now.data)) ? [] : ['content'];
}

/** The description of a node: its kind and size, or its target. */
function showNode(node: ImageNode): string {
  if (node.kind === 'symlink') return `link to ${node.target}`;
  return node.kind === 'file' ? `${node.data.bytes} bytes` : node.kind;
}
