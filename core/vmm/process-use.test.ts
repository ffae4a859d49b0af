import { describe, expect, it } from 'vitest';
import { readProcessUse } from './process-use.ts';

describe('process use', () => {
  it('counts the time and the memory of a process that works', () => {
    const allBefore = process.cpuUsage();
    const before = readProcessUse(process.pid);
    const end = performance.now() + 60;
    while (performance.now() < end);
    const after = readProcessUse(process.pid);
    expect(before?.memoryBytes).toBeGreaterThan(10e6);
    const usedMs = ((after?.cpuNs ?? 0) - (before?.cpuNs ?? 0)) / 1e6;
    const { user, system } = process.cpuUsage(allBefore);
    // On a shared machine, other processes took some of the 60 ms.
    expect(usedMs).toBeGreaterThan(1);
    // The kernel counts in ticks of up to 10 ms, for each thread.
    expect(usedMs).toBeLessThan((user + system) / 1000 + 100);
  });

  it('knows nothing of a process that is gone', () => {
    expect(readProcessUse(2 ** 22 + 1)).toBeNull();
  });
});
