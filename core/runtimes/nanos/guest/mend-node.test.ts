import os from 'node:os';
import { expect, it, vi } from 'vitest';
import { memoryUsageBy, mendNode, readCpus } from './mend-node.ts';

it('leaves a Node.js alone that has what it reads', () => {
  const before = [process.memoryUsage, os.cpus];
  mendNode();
  expect([process.memoryUsage, os.cpus]).toEqual(before);
});

it('has the native figures of memory once their file is there, and the machine’s for what is resident', () => {
  const native = { rss: 0, heapTotal: 3, heapUsed: 2, external: 1, arrayBuffers: 1 };
  const prepare = vi.fn();
  const memoryUsage = memoryUsageBy(() => {
    if (prepare.mock.calls.length === 0) throw new Error('ENOENT');
    return native;
  }, prepare);
  expect(memoryUsage.rss()).toBeGreaterThan(1024 ** 2);
  expect(memoryUsage()).toMatchObject({ heapTotal: 3, arrayBuffers: 1, rss: expect.any(Number) });
  expect(memoryUsage().rss).toBeGreaterThan(1024 ** 2);
  expect(prepare).toHaveBeenCalledOnce();
});

it('counts the processors, with what this process has used of them', () => {
  const cpus = readCpus();
  expect(cpus).toHaveLength(os.availableParallelism());
  expect(cpus[0]?.times.user).toBeGreaterThan(0);
  expect(cpus[0]?.times.idle).toBeGreaterThan(0);
});
