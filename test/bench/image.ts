import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BootParts, type DiskLayout, writeDerived, writeDisk, writeOverlay } from '@firstlight/disk';
import { closureToTree, resolveClosure } from '@firstlight/elf';
import { createFileTree, type FileTree, type TreeNode } from '@firstlight/files';
import { writeVolume } from '@firstlight/tfs';
import { runTool } from '#core/exec/run-tool.ts';
import { listTree } from '#core/images/inspect/list-tree.ts';
import { withImage } from '#core/images/inspect/open-image.ts';
import { makeOwnedDir } from '../../build/owned-dirs.mjs';
import { round, summarize } from './figures.ts';
import type { BenchOptions } from './options.ts';

const MiB = 1024 * 1024;

/**
 * Images of Node.js for Nanos: made from nothing beside the vendor's `mkfs`, made again after an edit of one line, and a
 * large one listed.
 *
 * Units: ms. `mkfs` counts from the start of its process to its end, and is null without FIRSTLIGHT_NANOS_DIR; `first` is in
 * this process. `afterEdit` counts from the edited file on disk to an image with an overlay for its first instance.
 */
export async function benchImage({ runs = 15, log }: BenchOptions) {
  const dir = await makeOwnedDir(join(tmpdir(), 'fl-bench-image-'));
  try {
    const tree = await nodeTree();
    const treeMiB = round(bytesOf(tree) / MiB);
    log(`a tree of ${treeMiB} MiB in ${tree.size} nodes`);
    const boot = await bootParts(dir);
    const first = await benchFirst(dir, tree, boot, runs);
    log(`first build after ${first.ours.median} ms, mkfs after ${first.mkfs?.median ?? '–'} ms`);
    const rebuild = await benchRebuild(dir, tree, boot, runs * 4);
    log(`image after an edit after ${rebuild.afterEdit.median} ms`);
    const listing = await benchListing(dir, runs);
    log(`listing of ${listing.entries} entries after ${listing.listed.median} ms`);
    return {
      treeMiB,
      first,
      ...(first.mkfs === null && { reference: 'missing: set FIRSTLIGHT_NANOS_DIR to a Nanos build with tools/mkfs' }),
      rebuild,
      listing,
    };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** This machine's Node.js with its libraries. */
async function nodeTree(): Promise<FileTree> {
  const builder = createFileTree();
  closureToTree(await resolveClosure(process.execPath), builder);
  return builder.tree;
}

function bytesOf(tree: FileTree): number {
  return [...tree.values()].reduce((sum, node) => sum + (node.kind === 'file' ? node.bytes : 0), 0);
}

const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;

/** The kernel of a Nanos build, or a file of its size where there is no build. */
async function bootParts(dir: string): Promise<BootParts> {
  if (nanosDir) return { bootImage: join(nanosDir, 'boot.img'), kernel: join(nanosDir, 'kernel.img') };
  const kernel = join(dir, 'kernel');
  await writeFile(kernel, Buffer.alloc(1.7 * MiB, 1));
  return { bootImage: null, kernel };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

async function benchFirst(dir: string, tree: FileTree, boot: BootParts, runs: number) {
  const named = nanosDir ? join(nanosDir, 'tools/mkfs') : null;
  // A build may lack the tools.
  const mkfs = named !== null && existsSync(named) ? named : null;
  const manifest = `(children:(${manifestOf(tree)}) program:/node)`;
  const [ourPath, theirPath] = [join(dir, 'ours'), join(dir, 'theirs')];
  const ours: number[] = [];
  const theirs: number[] = [];
  // One more of each than counted, so that the files are in memory for both.
  for (let turn = 0; turn <= runs; turn += 1) {
    const our = await timed(() => writeDisk(ourPath, { tree, digest: 'bench', boot }));
    if (turn > 0) ours.push(our);
    if (mkfs !== null) {
      const words = ['-b', boot.bootImage ?? '', '-k', boot.kernel, theirPath];
      const their = await timed(() => runTool(mkfs, words, { input: manifest }));
      if (turn > 0) theirs.push(their);
    }
    // Written data waits for the disk; the next turn must not.
    await Promise.all([ourPath, theirPath].map((path) => rm(path, { force: true })));
  }
  const series = theirs.length > 0 ? summarize(theirs) : null;
  const mine = summarize(ours);
  return { ours: mine, mkfs: series, ratio: series && round(mine.median / series.median) };
}

/** A tree in the form of a manifest. */
function manifestOf(tree: FileTree): string {
  const word = (node: TreeNode, path: string): string => {
    if (node.kind === 'symlink') return `(linktarget:${quoted(node.target)})`;
    if (node.kind === 'directory') return `(children:(${below(path)}))`;
    return node.content.kind === 'host' ? `(contents:(host:${quoted(node.content.path)}))` : '()';
  };
  const below = (dir: string): string =>
    [...tree]
      .filter(([path]) => path.startsWith(`${dir}/`) && !path.includes('/', dir.length + 1))
      .map(([path, node]) => `${quoted(path.slice(dir.length + 1))}:${word(node, path)}`)
      .join(' ');
  return below('');
}

const quoted = (text: string) => `"${text}"`;

/** An edit of one line: the file is read again, the image written anew on its base, and an overlay laid on it. */
async function benchRebuild(dir: string, runtime: FileTree, boot: BootParts, runs: number) {
  const base = join(dir, 'base');
  const layout = await writeDisk(base, { tree: runtime, digest: 'base', boot, freeBytes: 64 * MiB });
  const handler = join(dir, 'handler.js');
  const fromBase = new Set([...runtime].filter(([, node]) => node.kind === 'file').map(([path]) => path));
  const afterEdit: number[] = [];
  const overlays: number[] = [];
  for (let turn = 0; turn <= runs; turn += 1) {
    await writeFile(handler, `export default () => ${turn};\n`.padEnd(20_000, '// a line of code\n'));
    const [path, overlay] = [join(dir, `derived-${turn}`), join(dir, `overlay-${turn}`)];
    const startedAtMs = performance.now();
    const builder = createFileTree();
    builder.addAll(runtime);
    const bytes = (await stat(handler)).size;
    builder.add('/app/handler.js', { kind: 'file', content: { kind: 'host', path: handler }, bytes });
    const content = { tree: builder.tree, digest: `edit ${turn}`, base: { path: base, layout }, fromBase };
    const derived: DiskLayout = await writeDerived(path, content);
    const derivedAtMs = performance.now();
    await writeOverlay(overlay, { name: path, format: 'qcow2' }, derived.bytes);
    const endedAtMs = performance.now();
    if (turn > 0) {
      afterEdit.push(endedAtMs - startedAtMs);
      overlays.push(endedAtMs - derivedAtMs);
    }
    await Promise.all([path, overlay].map((made) => rm(made)));
  }
  return { afterEdit: summarize(afterEdit), overlay: summarize(overlays) };
}

/** A listing of all of 1 GiB in 20,200 files. Units: `readKiB` of one listing. */
async function benchListing(dir: string, runs: number) {
  const content = join(dir, 'content');
  await writeFile(content, Buffer.alloc(5 * MiB, 'content '));
  const builder = createFileTree();
  for (let index = 0; index < 200; index += 1) {
    builder.add(`/large/${index}`, { kind: 'file', content: { kind: 'host', path: content }, bytes: 5 * MiB });
  }
  const small = Buffer.from('a small file');
  for (let index = 0; index < 20_000; index += 1) {
    const node = { kind: 'file', content: { kind: 'bytes', data: small }, bytes: small.length } as const;
    builder.add(`/small/${index % 200}/${index}`, node);
  }
  const folder = join(dir, 'listing');
  await mkdir(folder);
  const path = join(folder, 'image');
  await writeVolume(path, { tree: builder.tree, digest: 'listing' });
  const listed: number[] = [];
  let entries = 0;
  let readBytes = 0;
  for (let turn = 0; turn <= runs; turn += 1) {
    const readBefore = bytesRead();
    const ms = await timed(() =>
      withImage(path, async (image) => {
        entries = listTree(await image.volume('root'), 'root', '/', 100_000).entries.length;
      }),
    );
    if (turn > 0) listed.push(ms);
    readBytes = bytesRead() - readBefore;
  }
  const imageMiB = round((await stat(path)).size / MiB);
  return { imageMiB, entries, listed: summarize(listed), readKiB: Math.round(readBytes / 1024) };
}

/** The bytes that this process has read so far, including reads from the page cache. */
function bytesRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}
