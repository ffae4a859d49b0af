import { realpath, stat, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { addClosureFile, closureToTree, resolveClosure } from '@firstlight/elf';
import { createFileTree, type FileTree, type TreeNode } from '@firstlight/files';
import { type LayerBlob, writeLayer } from '@firstlight/oci';
import type { WriteTarOptions } from '@firstlight/tar';
import { z } from 'zod';
import { sha256 } from '#core/store/digest.ts';
import type { Layout } from '#core/store/layout.ts';
import { readJson } from '#core/store/read-json.ts';
import { writeAtomic } from '#core/store/write-atomic.ts';
import { FirstlightError } from '#shared/errors.ts';
import { podPaths } from './pod-paths.ts';
import { sweepLayers } from './sweep-layers.ts';

const qemuPath = '/usr/bin/qemu-system-x86_64';
/** The files that QEMU loads at run time: its emulator, and the ROMs of a machine of type `pc` that boots a kernel or a disk. */
const modulePaths = ['x86_64-linux-gnu/qemu', 'qemu'].map((dir) => `/usr/lib/${dir}/accel-tcg-x86_64.so`);
const romNames = ['bios-256k.bin', 'qboot.rom', 'pvh.bin', 'linuxboot_dma.bin', 'kvmvapic.bin'];
const romDirs = ['/usr/share/qemu', '/usr/share/seabios', '/usr/lib/ipxe/qemu'];

const layerSchema = z.object({
  mediaType: z.string(),
  digest: z.string(),
  diffId: z.string(),
  size: z.number(),
  path: z.string(),
});

/** The files that a pod needs in addition to its function. Shape: `version` names it for a person. */
export interface VmmLayer {
  readonly layer: LayerBlob;
  readonly fileCount: number;
  /** The files of this machine that are in it. */
  readonly hostFiles: readonly string[];
  readonly bytes: number;
}

/**
 * The layer that all functions share: this machine's QEMU with the libraries and ROMs that it needs, and the supervisor.
 * Packed once for the same files.
 *
 * Errors: QEMU_MISSING; LIBRARY_MISSING; KERNEL_MISSING when there is no supervisor; STORE_UNUSABLE, DISK_FULL.
 */
export async function makeVmmLayer(layout: Layout, supervisorPath: string, signal?: AbortSignal): Promise<VmmLayer> {
  await sweepLayers(layout);
  const tree = await listVmmFiles(supervisorPath);
  const nodes = [...tree.values()];
  const bytes = nodes.reduce((sum, node) => sum + (node.kind === 'file' ? node.bytes : 0), 0);
  const fileCount = nodes.filter(({ kind }) => kind === 'file').length;
  const hostFiles = nodes.flatMap((node) =>
    node.kind === 'file' && node.content.kind === 'host' && node.content.path !== supervisorPath
      ? [node.content.path]
      : [],
  );
  return { layer: await packOnce(layout, 'vmm', tree, signal), fileCount, hostFiles, bytes };
}

/** The layer with the disk that many functions of a runtime lie on. Errors: STORE_UNUSABLE, DISK_FULL. */
export async function makeBaseLayer(layout: Layout, basePath: string, signal?: AbortSignal): Promise<LayerBlob> {
  const builder = createFileTree();
  await addFile(builder, podPaths.baseDisk, basePath);
  return await packOnce(layout, 'base', builder.tree, signal);
}

/** Packs files of this host as a layer, or finds the layer of the same files. Errors: STORE_UNUSABLE, DISK_FULL. */
export async function packOnce(
  layout: Layout,
  kind: string,
  tree: FileTree,
  signal?: AbortSignal,
  entries: WriteTarOptions = { modeOf: modeInPod },
): Promise<LayerBlob> {
  const blobsDir = await layout.ensure(layout.podLayersDir);
  const recordPath = join(blobsDir, `${kind}-${(await fingerprintOf(tree)).slice(0, 32)}.json`);
  const known = await readJson(recordPath, layerSchema);
  if (known.ok && known.value !== undefined && (await isWhole(known.value))) {
    // Its time says when it was last used.
    const now = new Date();
    for (const path of [known.value.path, recordPath]) await utimes(path, now, now);
    return known.value;
  }
  const layer = await writeLayer(tree, blobsDir, { ...entries, signal });
  await writeAtomic(recordPath, JSON.stringify(layer), { durable: false });
  return layer;
}

/** The sockets' folder belongs to the user that the pod runs as. */
const modeInPod = (path: string): number | undefined =>
  path === podPaths.runDir
    ? 0o1777
    : path === podPaths.supervisor
      ? 0o755
      : path === podPaths.baseDisk
        ? 0o644
        : undefined;

async function isWhole({ path, size }: LayerBlob): Promise<boolean> {
  return await stat(path).then(
    (found) => found.size === size,
    () => false,
  );
}

async function listVmmFiles(supervisorPath: string): Promise<FileTree> {
  const emulator = await firstThatIs(modulePaths);
  const closure = await resolveClosure(qemuPath, emulator === null ? {} : { loads: [emulator] }).catch(
    (cause: unknown) => {
      throw new FirstlightError(
        'QEMU_MISSING',
        `A pod's image takes QEMU from this machine; it is not at ${qemuPath}.`,
        {
          hint: 'Run `firstlight doctor`: it names the package to install.',
          cause,
        },
      );
    },
  );
  const [missing] = closure.missing;
  if (missing !== undefined) {
    throw new FirstlightError('LIBRARY_MISSING', `QEMU needs ${missing.name}, which is not on this machine.`, {
      hint: 'Install the package qemu-system-x86 again.',
    });
  }
  const builder = createFileTree();
  closureToTree(closure, builder);
  for (const library of closure.libraries) addClosureFile(builder, library);
  for (const name of romNames) {
    const found = await firstThatIs(romDirs.map((dir) => join(dir, name)));
    if (found !== null) await addFile(builder, `/usr/share/qemu/${basename(name)}`, found);
  }
  await addFile(builder, podPaths.supervisor, supervisorPath).catch((cause: unknown) => {
    throw new FirstlightError('KERNEL_MISSING', `The supervisor of pods is not at ${supervisorPath}.`, {
      hint: 'Run `npm start`, which builds it.',
      cause,
    });
  });
  builder.add(podPaths.runDir, { kind: 'directory' });
  return builder.tree;
}

async function addFile(builder: ReturnType<typeof createFileTree>, path: string, hostPath: string): Promise<void> {
  const real = await realpath(hostPath);
  const { size } = await stat(real);
  builder.add(path, { kind: 'file', content: { kind: 'host', path: real }, bytes: size });
}

async function firstThatIs(paths: readonly string[]): Promise<string | null> {
  for (const path of paths)
    if (
      await stat(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  return null;
}

/** Identifies the files by their metadata: reading all of them would take as long as packing them. */
async function fingerprintOf(tree: FileTree): Promise<string> {
  const parts: string[] = [process.version];
  for (const [path, node] of [...tree].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const isHostFile = node.kind === 'file' && node.content.kind === 'host';
    const at = isHostFile && node.content.kind === 'host' ? await stat(node.content.path) : null;
    const data = node.kind === 'file' && node.content.kind === 'bytes' ? sha256(node.content.data) : '';
    parts.push(`${data} ${path} ${node.kind} ${at?.size ?? ''} ${at?.mtimeMs ?? ''} ${describeNode(node)}`);
  }
  return sha256(parts.join('\n'));
}

const describeNode = (node: TreeNode): string =>
  node.kind === 'symlink' ? node.target : node.kind === 'file' && node.mode !== undefined ? String(node.mode) : '';
