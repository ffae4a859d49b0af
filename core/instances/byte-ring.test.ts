import { describe, expect, it } from 'vitest';
import { createByteRing } from './byte-ring.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

describe('createByteRing', () => {
  it('keeps the last bytes and their places', () => {
    const ring = createByteRing(4);
    ring.append(bytes(1, 2, 3));
    expect([ring.start, ring.end]).toEqual([0, 3]);
    ring.append(bytes(4, 5));
    expect([ring.start, ring.end]).toEqual([1, 5]);
    expect([...ring.read(1, 10)]).toEqual([2, 3, 4, 5]);
    expect([...ring.read(3, 1)]).toEqual([4]);
    expect([...ring.read(5, 1)]).toEqual([]);
    expect(() => ring.read(0, 1)).toThrow(RangeError);
  });

  it('keeps the tail of a chunk larger than itself', () => {
    const ring = createByteRing(4);
    ring.append(bytes(9));
    ring.append(bytes(1, 2, 3, 4, 5, 6));
    expect([ring.start, ring.end]).toEqual([3, 7]);
    expect([...ring.read(3, 4)]).toEqual([3, 4, 5, 6]);
  });

  it('agrees with a plain array whatever the sizes of the chunks', () => {
    const ring = createByteRing(100_000);
    const all: number[] = [];
    let seed = 7;
    for (let i = 0; i < 300; i++) {
      seed = (seed * 48271) % 2147483647;
      const chunk = Uint8Array.from({ length: seed % 1777 }, (_, at) => (seed + at) & 255);
      ring.append(chunk);
      all.push(...chunk);
      const from = ring.start + ((ring.end - ring.start) >> 1);
      expect(ring.read(from, 500)).toEqual(Uint8Array.from(all.slice(from, from + 500)));
    }
    expect(ring.end).toBe(all.length);
  });
});
