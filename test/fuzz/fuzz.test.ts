import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type FuzzTarget, mutate, runFuzz } from '@firstlight/files/testing';
import { describe, expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { isRefusal } from './is-refusal.ts';
import { fuzzTargets, targetsByPackage } from './targets.ts';

const tenThousand = 10_000;

describe('broken input', () => {
  it('has targets in every package', () => {
    const packages = readdirSync(join(import.meta.dirname, '../../packages'));
    expect(Object.keys(targetsByPackage).sort()).toEqual([...packages, 'core'].sort());
  });

  it.each(fuzzTargets)(
    'is read or refused, ten thousand times or its share of that: $name',
    async (target) => {
      const count = tenThousand * (target.share ?? 1);
      const report = await runFuzz(target, { count });
      expect(report.failures).toEqual([]);
      // Mutations that are never read, or never refused, test nothing.
      expect(Math.min(report.accepted, report.refused)).toBeGreaterThan(count / 1000);
    },
    600_000,
  );
});

describe('the fuzzer', () => {
  const corpus = [new TextEncoder().encode('{"length": 12, "items": [1, 2, 3]}'), Buffer.alloc(64, 7)];
  const target = (parse: FuzzTarget['parse']): FuzzTarget => ({ name: 'test', isRefusal, corpus: () => corpus, parse });

  it('makes the same input again for the same number, and others for others', () => {
    const inputs = Array.from({ length: 200 }, (_, index) => mutate(corpus, 3, index));
    expect(inputs).toEqual(Array.from({ length: 200 }, (_, index) => mutate(corpus, 3, index)));
    expect(new Set(inputs.map((input) => Buffer.from(input).toString('hex'))).size).toBeGreaterThan(180);
    expect(mutate(corpus, 4, 0)).not.toEqual(mutate(corpus, 3, 0));
    expect(corpus[1]).toEqual(Buffer.alloc(64, 7));
  });

  it('lets a clear error pass, and tells of any other with the number that repeats it', async () => {
    const fussy = target((input) => {
      if (input.length < 34) throw new FirstlightError('BAD_INPUT', 'Too short.');
    });
    const sound = await runFuzz(fussy, { count: 500 });
    expect(sound).toMatchObject({ count: 500, failures: [] });
    expect(sound.refused).toBeGreaterThan(0);

    const careless = target((input) => {
      if (input.length < 34) throw new RangeError('Offset is outside the bounds of the DataView');
    });
    const { failures } = await runFuzz(careless, { count: 500 });
    expect(failures).toHaveLength(10);
    const again = await runFuzz(careless, { count: 1, first: failures[3]?.index ?? 0 });
    expect(again.failures).toMatchObject([{ index: failures[3]?.index, input: failures[3]?.input }]);
    expect(again.failures[0]?.reason).toContain('RangeError');
  });

  it('tells of input that takes too long or too much memory', async () => {
    let calls = 0;
    const slow = target(() => {
      // The corpus itself is read before any measurement.
      if (calls++ < corpus.length) return;
      const before = process.cpuUsage();
      while (process.cpuUsage(before).user < 50_000) JSON.stringify(corpus);
    });
    expect((await runFuzz({ ...slow, maxMs: 10 }, { count: 1 })).failures[0]?.reason).toMatch(/^took \d+ ms$/);
    const hoard: Uint8Array[] = [];
    const greedy = target(() => hoard.push(new Uint8Array(2 * 1024 ** 2).fill(1)));
    const { failures } = await runFuzz({ ...greedy, maxBytes: 1024 ** 2 }, { count: 400 });
    expect(failures[0]?.reason).toMatch(/bytes of memory$/);
  });
});
