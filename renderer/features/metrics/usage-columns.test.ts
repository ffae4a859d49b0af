import { expect, test } from 'vitest';
import { usageColumns } from './usage-columns.ts';

test('readings of the last minutes become columns, with gaps where nothing was measured', () => {
  const columns = usageColumns(
    [
      { atMs: 1_000, cpuPercent: 90, memoryBytes: 1 },
      { atMs: 61_000, cpuPercent: null, memoryBytes: 2048 },
      { atMs: 66_000, cpuPercent: 25, memoryBytes: null },
    ],
    10_000,
  );
  expect([...columns.atSeconds]).toEqual([61, 66]);
  expect([...columns.cpu]).toEqual([Number.NaN, 0.25]);
  expect([...columns.memory]).toEqual([2048, Number.NaN]);
  expect([...columns.diskRead]).toEqual([Number.NaN, Number.NaN]);
});
