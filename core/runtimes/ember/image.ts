/** The bootable file: the kernel's own segments, the heap's pages that are not zero, and the config block. */
import {
  configBase,
  configMagic,
  configVersion,
  firmwareTopBytes,
  largePageBytes,
  linearBase,
  linearEnd,
  linearPageBytes,
  networkPorts,
  pageDirectory,
  reservePages,
} from './layout.ts';

/** The metadata that the guest needs with the heap. Units: offsets in linear memory. */
export interface ImageConfig {
  readonly heapPages: number;
  readonly stackPointer: number;
  readonly runtime: number;
  readonly context: number;
  readonly invoke: number;
  readonly finish: number;
  readonly report: number;
  readonly tick: number;
  readonly reset: number;
  readonly takeEnviron: number;
  readonly network?: ImageNetwork | undefined;
}

/** The network of an image: what the guest serves HTTP with, and reaches other servers by. */
export interface ImageNetwork {
  /** Shape: dotted IPv4 addresses; all three `unassigned` where the guest asks a DHCP server. */
  readonly address: string;
  readonly netmask: string;
  readonly gateway: string;
  /** The ports that the function serves HTTP on; `networkPorts` at most. */
  readonly ports: readonly number[];
  /** The longest time for a request. Units: ms. */
  readonly timeoutMs: number;
  /** The name server that `fetch` asks. Null: the DHCP server's; without one, names have no addresses. */
  readonly nameserver?: string | null | undefined;
}

/** Where an image has no address of its own. */
export const unassigned = '0.0.0.0';

/** A page of linear memory in a page directory: present, writable, ring 3, accessed, dirty, 2 MiB, not executable. */
const linearPageEntry = 0x8000_0000_0000_00e7n;

const elfHeaderBytes = 64;
const programHeaderBytes = 56;
const chunkBytes = 4096;
const zeroChunk = Buffer.alloc(chunkBytes);
/** A run of zeros shorter than this is cheaper to store than to cut out: each piece costs a header here and an entry in QEMU. */
const minGapBytes = 4 * chunkBytes;
/** Room for one small event and its answer beyond the baked heap. */
const workPages = 16;
const loadable = 1;

interface Run {
  readonly start: number;
  readonly end: number;
}

/** The stretches of the heap that are not all zeros. */
export function nonZeroRuns(heap: Uint8Array): Run[] {
  const runs: { start: number; end: number }[] = [];
  for (let start = 0; start < heap.length; start += chunkBytes) {
    if (zeroChunk.equals(heap.subarray(start, start + chunkBytes))) continue;
    const last = runs.at(-1);
    if (last && start - last.end < minGapBytes) last.end = start + chunkBytes;
    else runs.push({ start, end: start + chunkBytes });
  }
  return runs;
}

/** The least memory that a guest with this heap boots and answers in. */
export function minMemoryMiB(heapPages: number): number {
  const bytes = linearBase + (heapPages + reservePages + workPages) * linearPageBytes + firmwareTopBytes;
  return Math.ceil(bytes / 2 ** 20);
}

/** In network byte order, as the first byte of a dotted address is the first in memory. */
const addressWord = (dotted: string) => dotted.split('.').reduceRight((word, byte) => word * 256 + Number(byte), 0);

function networkWords(network: ImageNetwork | undefined): number[] {
  const ports = Array.from({ length: networkPorts }, (_, index) => network?.ports[index] ?? 0);
  const addresses =
    network === undefined ? [0, 0, 0] : [network.address, network.netmask, network.gateway].map(addressWord);
  const nameserver = network?.nameserver;
  return [...addresses, ...ports, network?.timeoutMs ?? 0, nameserver ? addressWord(nameserver) : 0];
}

function configBytes(config: ImageConfig): Uint8Array {
  const words = [
    configMagic,
    configVersion,
    config.heapPages,
    config.stackPointer,
    config.runtime,
    config.context,
    config.invoke,
    config.finish,
    config.report,
    config.tick,
    config.reset,
    config.takeEnviron,
    ...networkWords(config.network),
  ];
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => {
    view.setUint32(i * 4, word, true);
  });
  return bytes;
}

/** The offset in the kernel's file of the byte at a physical address. */
function fileOffsetOf(kernel: DataView, address: number): number {
  const table = Number(kernel.getBigUint64(32, true));
  for (let i = 0; i < kernel.getUint16(56, true); i++) {
    const at = table + i * programHeaderBytes;
    const start = Number(kernel.getBigUint64(at + 24, true));
    const inSegment = address - start;
    const fileBytes = Number(kernel.getBigUint64(at + 32, true));
    if (kernel.getUint32(at, true) !== loadable || inSegment < 0 || inSegment >= fileBytes) continue;
    return Number(kernel.getBigUint64(at + 8, true)) + inSegment;
  }
  throw new RangeError(`The kernel has nothing at 0x${address.toString(16)}.`);
}

/** The place of the first address in the config block: it follows the words of the heap. */
const networkWordsAt = 12;

/**
 * Gives an image other addresses, in place. Errors: throws RangeError for what is no image with a network.
 */
export function setImageAddresses(
  image: Uint8Array,
  { address, netmask, gateway }: Pick<ImageNetwork, 'address' | 'netmask' | 'gateway'>,
): void {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const at = fileOffsetOf(view, configBase);
  const wordAt = (index: number) => at + (networkWordsAt + index) * 4;
  const isOurs = view.getUint32(at, true) === configMagic && view.getUint32(at + 4, true) === configVersion;
  if (!isOurs || view.getUint32(wordAt(0), true) === 0) throw new RangeError('The image has no network.');
  [address, netmask, gateway].forEach((dotted, index) => {
    view.setUint32(wordAt(index), addressWord(dotted), true);
  });
}

/** The kernel's file in pieces, with linear memory mapped up to the machine's size, so that the guest need not. */
function mapLinearMemory(kernel: Uint8Array, view: DataView, memoryMiB: number): [Uint8Array, ...Uint8Array[]] {
  const end = Math.min(memoryMiB * 2 ** 20, linearEnd);
  const pages = Math.max(0, Math.ceil((end - linearBase) / largePageBytes));
  const entries = pageDirectory + (linearBase / largePageBytes) * 8;
  const start = fileOffsetOf(view, entries);
  // The last one, too, must lie in the file.
  if (pages > 0) fileOffsetOf(view, entries + (pages - 1) * 8);
  const mapped = new DataView(new ArrayBuffer(pages * 8));
  for (let i = 0; i < pages; i++) {
    mapped.setBigUint64(i * 8, BigInt(linearBase + i * largePageBytes) | linearPageEntry, true);
  }
  // Only what changes is copied: the kernel has a megabyte.
  return [
    new Uint8Array(kernel.subarray(0, elfHeaderBytes)),
    kernel.subarray(elfHeaderBytes, start),
    new Uint8Array(mapped.buffer),
    kernel.subarray(start + pages * 8),
  ];
}

/**
 * The image's bytes, in pieces to be written one after the other.
 *
 * Shape: the kernel file with its page directory completed, padding, the config block, the heap's runs, and a new table of program headers at the end, which the ELF header is
 * made to point at.
 */
export function buildImage(
  kernel: Uint8Array,
  heap: Uint8Array,
  config: ImageConfig,
  memoryMiB: number,
): { pieces: Uint8Array[]; heapBytes: number } {
  const kernelView = new DataView(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  if (kernel.length < elfHeaderBytes || kernelView.getUint32(0, false) !== 0x7f45_4c46)
    throw new RangeError('The kernel is not an ELF file.');
  const oldTable = Number(kernelView.getBigUint64(32, true));
  const oldCount = kernelView.getUint16(56, true);

  const padding = -kernel.length & (chunkBytes - 1);
  const parts = mapLinearMemory(kernel, kernelView, memoryMiB);
  const [header] = parts;
  const pieces: Uint8Array[] = [...parts, new Uint8Array(padding)];
  let offset = kernel.length + padding;
  const added: { offset: number; address: number; bytes: number }[] = [];
  const add = (bytes: Uint8Array, address: number) => {
    added.push({ offset, address, bytes: bytes.length });
    pieces.push(bytes);
    offset += bytes.length;
  };
  let heapBytes = 0;
  for (const run of nonZeroRuns(heap)) {
    add(heap.subarray(run.start, run.end), linearBase + run.start);
    heapBytes += run.end - run.start;
  }
  add(configBytes(config), configBase);
  const tablePadding = -offset & 7;
  pieces.push(new Uint8Array(tablePadding));
  offset += tablePadding;

  const table = new Uint8Array((oldCount + added.length) * programHeaderBytes);
  table.set(kernel.subarray(oldTable, oldTable + oldCount * programHeaderBytes));
  const view = new DataView(table.buffer);
  added.forEach((segment, i) => {
    const at = (oldCount + i) * programHeaderBytes;
    view.setUint32(at, loadable, true);
    view.setUint32(at + 4, 6, true); // readable, writable
    view.setBigUint64(at + 8, BigInt(segment.offset), true);
    view.setBigUint64(at + 16, BigInt(segment.address), true);
    view.setBigUint64(at + 24, BigInt(segment.address), true);
    view.setBigUint64(at + 32, BigInt(segment.bytes), true);
    view.setBigUint64(at + 40, BigInt(segment.bytes), true);
    view.setBigUint64(at + 48, 1n, true);
  });
  pieces.push(table);

  const headerView = new DataView(header.buffer);
  headerView.setBigUint64(32, BigInt(offset), true);
  headerView.setUint16(56, oldCount + added.length, true);
  return { pieces, heapBytes };
}
