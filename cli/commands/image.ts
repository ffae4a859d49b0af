/** The commands `image …`: they read the content of an image without booting it. */
import { resolve } from 'node:path';
import { formatBytes } from '#shared/format.ts';
import type { ImagePartition } from '#shared/model/image-tree.ts';
import { bytes } from '#shared/model/units.ts';
import { withProject } from '../find.ts';
import { findImage } from '../find-image.ts';
import { renderImageDiff } from '../output/print-image-diff.ts';
import { renderImageInfo } from '../output/print-image-info.ts';
import { renderImageList, renderImageTree } from '../output/print-image-tree.ts';
import { createByteWriter } from '../output/write-bytes.ts';
import { type Session, untilEnded } from '../session.ts';

interface Options {
  readonly partition: ImagePartition;
}

/** Lists a directory of an image, or everything under it. */
export async function listImage(
  session: Session,
  name: string,
  path: string | undefined,
  options: Options & { readonly recursive?: boolean },
): Promise<number> {
  const tree = await treeOf(session, name, path, options);
  const depth = tree.path === '/' ? 1 : tree.path.split('/').length;
  const entries = tree.entries.filter((entry) => options.recursive || entry.path.split('/').length <= depth + 1);
  session.printJson({ ...tree, entries });
  session.print(renderImageList({ ...tree, entries }, session.style));
  return 0;
}

/** Draws the tree of an image with the size of each part, the largest first. */
export async function drawImage(
  session: Session,
  name: string,
  path: string | undefined,
  options: Options & { readonly depth: number },
): Promise<number> {
  const tree = await treeOf(session, name, path, options);
  session.printJson(tree);
  session.print(renderImageTree(tree, options.depth, session.style));
  return 0;
}

async function treeOf(session: Session, name: string, path = '/', { partition }: Options) {
  return session.call('images:tree', { image: await findImage(session, name), path, partition });
}

/** Writes a file of an image to stdout. */
export async function printImageFile(session: Session, name: string, path: string, options: Options): Promise<number> {
  const image = await findImage(session, name);
  const input = { image, path, partition: options.partition };
  const stream = session.client.openStream('images:bytes', input, createByteWriter(session, 'foreign'));
  await Promise.race([stream.ended, untilEnded(session.signal)]);
  stream.close();
  return 0;
}

/** Extracts files of an image into a new folder. */
export async function extractImage(
  session: Session,
  name: string,
  folder: string,
  path: string | undefined,
  { partition }: Options,
): Promise<number> {
  const to = resolve(session.io.cwd, folder);
  const image = await findImage(session, name);
  const result = await session.call('images:extract', { image, path: path ?? '/', partition, to });
  session.printJson(result);
  const { files, directories, symlinks, bytes } = result;
  const counts = `${files} files, ${directories} directories, ${symlinks} links, ${formatBytes(bytes)}`;
  session.print(`Extracted ${counts} to ${session.style.foreign(to)}\n`);
  return 0;
}

/** Writes the container image of a project into an OCI layout. */
export async function saveImage(
  session: Session,
  dir: string,
  folder: string,
  { profile, ...choice }: { readonly engine: string; readonly tag: string; readonly profile?: string },
): Promise<number> {
  const to = resolve(session.io.cwd, folder);
  const request = { ...choice, ...(profile !== undefined && { profile }), to };
  const saved = await withProject(session, dir, ({ id }) => session.call('deploy:save', { ...request, projectId: id }));
  session.printJson(saved);
  const size = formatBytes(bytes(saved.bytes));
  session.print(`Saved ${session.style.foreign(`${to}:${saved.tag}`)}, ${size}\n${saved.digest}\n`);
  return 0;
}

/** Prints the description of an image. */
export async function describeImage(session: Session, name: string, { partition }: Options): Promise<number> {
  const info = await session.call('images:info', { image: await findImage(session, name), partition });
  session.printJson(info);
  session.print(renderImageInfo(info, session.style));
  return 0;
}

/** Prints the differences to another image. Shape: 0 also when they differ; see `same` in the JSON. */
export async function diffImages(
  session: Session,
  before: string,
  after: string,
  { partition }: Options,
): Promise<number> {
  const image = await findImage(session, before);
  const other = await findImage(session, after);
  const diff = await session.call('images:diff', { image, other, partition });
  session.printJson(diff);
  session.print(renderImageDiff(diff, session.style));
  return 0;
}
