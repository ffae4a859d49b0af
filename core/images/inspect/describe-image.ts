import { FormatError } from '@firstlight/files';
import type { Tuple, Volume } from '@firstlight/tfs';
import type { ImageFileSystem, ImageInfo, ImagePartition } from '#shared/model/image-tree.ts';
import type { Json } from '#shared/model/json.ts';
import { bytes } from '#shared/model/units.ts';
import { listElfParts } from './list-elf-parts.ts';
import type { OpenImage } from './open-image.ts';
import { tupleToJson } from './tuple-json.ts';

/** The entries of the root tuple that are shown separately. */
const shownApart = new Set(['program', 'arguments', 'environment']);
/** The folder where the kernel looks for its modules. */
const klibDirectory = '/klib/';

/** The description of an image. Errors: as `OpenImage.volume`. */
export async function describeImage(image: OpenImage, partition: ImagePartition): Promise<ImageInfo> {
  const { disk, isElf, partitions } = image;
  return {
    path: disk.path,
    format: isElf ? 'elf' : disk.format,
    fileBytes: bytes(image.fileBytes),
    allocatedBytes: bytes(image.allocatedBytes),
    diskBytes: bytes(disk.bytes),
    backing: [...disk.backing],
    partitions: partitions.map(({ kind, start, bytes: length }) => ({
      kind,
      start: bytes(start),
      bytes: bytes(length),
    })),
    fileSystem: isElf ? null : await describeFileSystem(image, partition),
    sections: isElf ? await listElfParts(disk) : [],
  };
}

async function describeFileSystem(image: OpenImage, partition: ImagePartition): Promise<ImageFileSystem> {
  const volume = await image.volume(partition);
  const { log, root, span } = volume;
  const warnings = [...log.warnings];
  const taken = takenBytes(volume);
  const named = tupleToJson(volume, withoutTree(root));
  const others = Object.entries(named).filter(([name]) => !shownApart.has(name));
  const program = root.get('program');
  return {
    partition,
    version: log.version,
    label: log.label,
    uuid: log.uuid,
    bytes: bytes(span.bytes),
    log: {
      reservedBytes: bytes(sumOf(log.pieces)),
      usedBytes: bytes(log.usedBytes),
      pieces: log.pieces.length,
    },
    freeBytes: bytes(Math.max(0, span.bytes - taken)),
    program: typeof program === 'string' ? program : null,
    arguments: textsIn(named.arguments),
    environment: textEntries(named.environment),
    klibs: await listKlibs(image, volume, warnings),
    options: Object.fromEntries(others),
    warnings,
  };
}

const sumOf = (spans: readonly { readonly bytes: number }[]) => spans.reduce((sum, span) => sum + span.bytes, 0);

function takenBytes({ log, nodes }: Volume): number {
  const files = new Set(nodes.flatMap((node) => (node.kind === 'file' ? [node.data] : [])));
  return [...files].reduce((sum, file) => sum + file.storedBytes, sumOf(log.pieces));
}

const textsIn = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

function textEntries(value: Json | undefined): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** The modules whose files exist: in this file system, and in the boot file system beside it. */
async function listKlibs(image: OpenImage, volume: Volume, warnings: string[]): Promise<string[]> {
  const boot = image.has('boot') ? await image.volume('boot').catch(asWarning(warnings)) : null;
  const nodes = [...volume.nodes, ...(boot?.nodes ?? [])];
  const names = nodes.flatMap(({ kind, path }) =>
    kind === 'file' && path.startsWith(klibDirectory) ? [path.slice(klibDirectory.length)] : [],
  );
  return [...new Set(names)].sort();
}

/** A damaged boot file system does not prevent a description of the root. */
const asWarning = (warnings: string[]) => (thrown: unknown) => {
  if (!(thrown instanceof FormatError) || (thrown.reason !== 'damaged' && thrown.reason !== 'truncated')) throw thrown;
  warnings.push(`The boot file system cannot be read: ${thrown.message}`);
  return null;
};

/** The options of a root, for comparing: each by its name, the environment by variable. */
export function optionsOf(volume: Volume): Map<string, Json> {
  const { environment, ...others } = tupleToJson(volume, withoutTree(volume.root));
  const options = new Map(Object.entries(others));
  const variables = typeof environment === 'object' && environment !== null ? Object.entries(environment) : [];
  for (const [name, value] of variables) options.set(`environment.${name}`, value);
  return options;
}

/** The entries that the root has as a directory. A guest writes the last three when it runs: the parent, which is the root itself, and times. */
const ofDirectory = new Set(['children', '..', 'mtime', 'atime']);
const withoutTree = (root: Tuple): Tuple => new Map([...root].filter(([name]) => !ofDirectory.has(name)));
