import { expect, it } from 'vitest';
import type { RuntimeKernels } from '#core/runtime/kernels.ts';
import type { CallContext } from '#shared/contract/index.ts';
import type { KernelRelease } from '#shared/model/kernel.ts';
import { kernelCalls } from './kernel-calls.ts';

const release: KernelRelease = {
  version: '1',
  source: 'local',
  inUse: true,
  installedAt: '2026-01-01T00:00:00.000Z',
  bytes: 3,
  modules: [],
  hasSymbols: false,
  digest: '0'.repeat(64),
};
const asked: unknown[] = [];
const kernels: RuntimeKernels = {
  notice: { text: 'Read this.', isAccepted: async () => false },
  list: async () => [release],
  install: async (request) => {
    asked.push(request);
    return release;
  },
  use: async () => release,
  remove: async (version) => void asked.push(version),
};
const calls = kernelCalls(
  new Map([
    ['has', { kernels }],
    ['brings', {}],
  ]),
);
const context: CallContext = { signal: new AbortController().signal, progress: () => undefined };

it('asks the runtime that is named', async () => {
  expect(await calls['kernels:list']({ runtime: 'has' }, context)).toEqual({
    releases: [release],
    notice: 'Read this.',
    noticeAccepted: false,
  });
  expect(await calls['kernels:install']({ runtime: 'has', from: '/x', accept: false }, context)).toBe(release);
  expect(await calls['kernels:use']({ runtime: 'has', version: '1' }, context)).toBe(release);
  expect(await calls['kernels:remove']({ runtime: 'has', version: '1' }, context)).toBeNull();
  expect(asked).toEqual([{ from: '/x', accept: false }, '1']);
});

it.each(['brings', 'unknown'])('says of %s that it has none, and which runtimes have', async (runtime) => {
  await expect(async () => calls['kernels:list']({ runtime }, context)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    hint: 'These have: has.',
  });
});
