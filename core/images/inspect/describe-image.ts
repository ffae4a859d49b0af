import type { ImageFileSystem, ImageInfo, ImagePartition } from '#shared/model/image-tree.ts';
import type { Json } from '#shared/model/json.ts';
import { bytes } from '#shared/model/units.ts';
import type { Volume } from '../tfs/read-volume.ts';
import type { Tuple, TupleValue } from '../tfs/tuple.ts';
import { listElfSections } from './list-elf-sections.ts';
import type { OpenImage } from './open-image.ts';
import { tupleToJson } from './tuple-json.ts';

/** Of the root tuple, what is shown by itself, or is the tree. */
const shownApart = new Set(['children', 'program', 'arguments', 'environment']);
/** Where the kernel looks for its modules. */
const klibDirectory = '/klib/';

/** What an image is. Errors: as `OpenImage.volume`. */
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
    sections: isElf ? await listElfSections(disk) : [],
  };
}

async function describeFileSystem(image: OpenImage, partition: ImagePartition): Promise<ImageFileSystem> {
  const volume = await image.volume(partition);
  const { log, root, span } = volume;
  const taken = takenBytes(volume);
  const others = new Map([...root].filter(([name]) => !shownApart.has(name)));
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
    arguments: textsIn(root.get('arguments')),
    environment: environmentIn(root),
    klibs: await listKlibs(image, volume, partition),
    options: tupleToJson(image.disk.path, others),
    warnings: [...log.warnings],
  };
}

const sumOf = (spans: readonly { readonly bytes: number }[]) => spans.reduce((sum, span) => sum + span.bytes, 0);

function takenBytes({ log, nodes }: Volume): number {
  const files = new Set(nodes.flatMap((node) => (node.kind === 'file' ? [node.data] : [])));
  return [...files].reduce((sum, file) => sum + file.storedBytes, sumOf(log.pieces));
}

/** A vector of texts; version 4 has none, and writes a tuple with `0`, `1`, … for names. */
function textsIn(value: TupleValue | undefined): string[] {
  if (value === undefined || typeof value === 'string' || typeof value === 'bigint') return [];
  const items = Array.isArray(value)
    ? value
    : [...(value as Tuple)].sort(([a], [b]) => Number(a) - Number(b)).map(([, item]) => item);
  return items.filter((item) => typeof item === 'string');
}

function environmentIn(root: Tuple): Record<string, string> {
  const found = root.get('environment');
  if (!(found instanceof Map)) return {};
  const texts = [...(found as Tuple)].filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(texts);
}

/** The modules whose files are there: in this file system, and in the boot file system beside it. */
async function listKlibs(image: OpenImage, volume: Volume, partition: ImagePartition): Promise<string[]> {
  const boot = partition === 'root' && image.has('boot') ? await image.volume('boot') : null;
  const nodes = [...volume.nodes, ...(boot?.nodes ?? [])];
  const names = nodes.flatMap(({ kind, path }) =>
    kind === 'file' && path.startsWith(klibDirectory) ? [path.slice(klibDirectory.length)] : [],
  );
  return [...new Set(names)].sort();
}

/** The options of a root, for comparing: each by its name, the environment by variable. */
export function optionsOf(path: string, root: Tuple): Map<string, Json> {
  const { children: _, environment, ...others } = tupleToJson(path, withoutChildren(root)) as Record<string, Json>;
  const options = new Map(Object.entries(others));
  const variables = environment !== null && typeof environment === 'object' ? Object.entries(environment) : [];
  for (const [name, value] of variables) options.set(`environment.${name}`, value as Json);
  return options;
}

/** The tree is compared file by file. */
const withoutChildren = (root: Tuple): Tuple => new Map([...root].filter(([name]) => name !== 'children'));
