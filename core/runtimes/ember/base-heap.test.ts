import { QuickJS } from 'quickjs-wasi';
import { expect, it } from 'vitest';
import { createBaseHeap, vmOptions } from './base-heap.ts';

it('has the steps until the next look at the deadline where guest/rt/engine.c sets them', async () => {
  const base = await createBaseHeap();
  const vm = await QuickJS.restore(base.snapshot, vmOptions(base.module, { wallNs: () => 0n, monotonicNs: 0n }));
  const { memory, qjs_get_context_ptr: context } = vm._getExports();
  const left = () => new DataView(memory.buffer).getInt32(context() + 292, true);
  vm.evalCode('1');
  new DataView(memory.buffer).setInt32(context() + 292, 10_000, true);
  vm.evalCode('for (let i = 0; i < 1000; i++);');
  // One or two steps a turn.
  expect(left()).toBeLessThanOrEqual(9000);
  expect(left()).toBeGreaterThan(7900);
});

it('has the count of bytes in use where guest/rt/engine.c reads it', async () => {
  const base = await createBaseHeap();
  const vm = await QuickJS.restore(base.snapshot, vmOptions(base.module, { wallNs: () => 0n, monotonicNs: 0n }));
  const { memory, qjs_get_runtime_ptr: runtime } = vm._getExports();
  const counted = () => new DataView(memory.buffer).getUint32(runtime() + 24, true);
  const before = counted();
  expect(vm.getMemoryUsage().mallocSize).toBe(before);
  vm.evalCode('globalThis.kept = new Array(10_000).fill(0).map(String);');
  expect(counted()).toBeGreaterThan(before + 80_000);
  expect(vm.getMemoryUsage().mallocSize).toBe(counted());
});
