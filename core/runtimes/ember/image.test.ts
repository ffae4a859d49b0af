import { expect, it } from 'vitest';
import { buildImage, minMemoryMiB, nonZeroRuns, setImageAddresses } from './image.ts';
import { configBase, configMagic, configVersion, largePageBytes, linearBase, pageDirectory } from './layout.ts';

const page = 4096;
const config = {
  heapPages: 1,
  stackPointer: 2,
  runtime: 3,
  context: 4,
  invoke: 5,
  finish: 6,
  report: 7,
  tick: 8,
  reset: 9,
  takeEnviron: 10,
};

const directoryOffset = 64 + 56 + 8;

/** An ELF file with a header, one program header, 8 bytes of something, and an empty page directory. */
function tinyKernel(): Uint8Array {
  const bytes = new Uint8Array(directoryOffset + 2048 * 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x7f45_4c46);
  view.setBigUint64(32, 64n, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true);
  view.setBigUint64(64 + 8, 120n, true);
  view.setBigUint64(64 + 24, BigInt(pageDirectory - 8), true);
  view.setBigUint64(64 + 32, 8n + 2048n * 8n, true);
  return bytes;
}

it('leaves zero pages out, and joins runs that are near', () => {
  const heap = new Uint8Array(64 * page);
  heap[2 * page + 5] = 1;
  heap[4 * page] = 1;
  heap[20 * page - 1] = 1;
  heap[64 * page - 1] = 1;
  expect(nonZeroRuns(heap)).toEqual([
    { start: 2 * page, end: 5 * page },
    { start: 19 * page, end: 20 * page },
    { start: 63 * page, end: 64 * page },
  ]);
  expect(nonZeroRuns(new Uint8Array(page))).toEqual([]);
});

it('adds the heap and the config as segments and leaves the kernel as it was', () => {
  const kernel = tinyKernel();
  const before = kernel.slice();
  const heap = new Uint8Array(65_536).fill(7, page, 2 * page);
  const { pieces, heapBytes } = buildImage(kernel, heap, config, 64);
  expect(kernel).toEqual(before);
  expect(heapBytes).toBe(page);

  const file = Buffer.concat(pieces);
  const table = Number(file.readBigUInt64LE(32));
  expect(file.readUInt16LE(56)).toBe(3);
  const segments = [0, 1, 2].map((i) => {
    const at = table + i * 56;
    const offset = Number(file.readBigUInt64LE(at + 8));
    const size = Number(file.readBigUInt64LE(at + 32));
    return {
      type: file.readUInt32LE(at),
      address: Number(file.readBigUInt64LE(at + 24)),
      bytes: file.subarray(offset, offset + size),
    };
  });
  expect(segments[0]).toMatchObject({ type: 1, address: pageDirectory - 8 });
  expect(segments[1]).toMatchObject({ type: 1, address: linearBase + page });
  expect(segments[1]?.bytes).toEqual(Buffer.alloc(page, 7));
  expect(segments[2]).toMatchObject({ type: 1, address: configBase });
  const words = Array.from({ length: 12 }, (_, i) => segments[2]?.bytes.readUInt32LE(i * 4));
  expect(words).toEqual([configMagic, configVersion, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(table + 3 * 56).toBe(file.length);
});

it('maps linear memory up to the end of the memory that the function has, and no page that can be executed', () => {
  const pageOf = (memoryMiB: number, index: number) => {
    const { pieces } = buildImage(tinyKernel(), new Uint8Array(page), config, memoryMiB);
    return Buffer.concat(pieces).readBigUInt64LE(directoryOffset + index * 8);
  };
  const first = linearBase / largePageBytes;
  expect(pageOf(64, first - 1)).toBe(0n);
  expect(pageOf(64, first)).toBe(0x8000_0000_0000_00e7n | BigInt(linearBase));
  expect(pageOf(64, 31)).toBe(0x8000_0000_0000_00e7n | BigInt(31 * largePageBytes));
  expect(pageOf(64, 32)).toBe(0n);
  expect(pageOf(63, 31)).not.toBe(0n);
  expect(pageOf(100_000, 0xe000_0000 / largePageBytes - 1)).not.toBe(0n);
  expect(pageOf(100_000, 0xe000_0000 / largePageBytes)).toBe(0n);
});

it('is given other addresses, and nothing else of it changes', () => {
  const elsewhere = { address: '10.0.2.2', netmask: '255.255.0.0', gateway: '10.0.2.1' };
  const imageAt = (addresses: typeof elsewhere) => {
    const network = { ...addresses, ports: [8080], timeoutMs: 1000 };
    return Buffer.concat(buildImage(tinyKernel(), new Uint8Array(page), { ...config, network }, 64).pieces);
  };
  const image = imageAt({ address: '10.0.2.15', netmask: '255.255.255.0', gateway: '10.0.2.2' });
  setImageAddresses(image, elsewhere);
  expect(image).toEqual(imageAt(elsewhere));
  const without = Buffer.concat(buildImage(tinyKernel(), new Uint8Array(page), config, 64).pieces);
  expect(() => setImageAddresses(without, elsewhere)).toThrow('The image has no network.');
  expect(() => setImageAddresses(tinyKernel(), elsewhere)).toThrow(RangeError);
});

it('refuses a kernel without a page directory', () => {
  const kernel = tinyKernel();
  new DataView(kernel.buffer).setBigUint64(64 + 24, 0x20_0000n, true);
  expect(() => buildImage(kernel, new Uint8Array(page), config, 64)).toThrow('nothing at 0x109078');
});

it('refuses a kernel that is not an ELF file', () => {
  expect(() => buildImage(new Uint8Array(100), new Uint8Array(page), config, 64)).toThrow(RangeError);
});

it('counts the stack, the reserve and the firmware into the least memory', () => {
  expect(minMemoryMiB(22)).toBe(34);
  expect(minMemoryMiB(1600)).toBeGreaterThan(130);
});
