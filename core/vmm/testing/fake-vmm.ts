import { existsSync } from 'node:fs';
import { hostNow } from '#core/store/host-clock.ts';
import type { Layout } from '#core/store/layout.ts';
import { connectConsole } from '../connect-console.ts';
import type { Host } from '../host.ts';
import type { RunningMachine, Vmm } from '../vmm.ts';

/** A machine that obeys every request at once. Its console is at the given sockets. */
export const fakeMachine = (more: Partial<RunningMachine> = {}): RunningMachine => ({
  name: 'firstlight-hello-1',
  uuid: '8f0c2c0e-0000-4000-8000-000000000000',
  resume: () => ({ sentNs: hostNow(), doneNs: Promise.resolve(hostNow()) }),
  pause: async () => undefined,
  shutDown: async () => undefined,
  kill: async () => undefined,
  readState: async () => 'running',
  openConsole: ({ serial, console }) => connectConsole({ serial, output: existsSync(console) ? console : null }),
  openChannel: () => Promise.reject(new Error('it has no channel')),
  readMetadata: async () => null,
  writeMetadata: async () => undefined,
  describe: async () => '<domain/>',
  ...more,
});

/** A VMM that is connected and runs nothing. */
export const fakeVmm = (more: Partial<Vmm> = {}): Vmm => ({
  id: 'fake',
  uri: 'test:///default',
  state: 'connected',
  failure: null,
  runsAsThisUser: false,
  connect: async () => undefined,
  create: async ({ name, uuid }) => fakeMachine({ name, uuid }),
  list: async () => [],
  readStats: async () => [],
  findProcess: () => null,
  readVersions: async () => ({ qemu: '7.2.0' }),
  close: async () => undefined,
  ...more,
});

export function fakeHost(layout: Layout, vmm: Partial<Vmm> = {}, name = 'local'): Host {
  const choice = { kind: 'tcg', reason: 'it is a fake' } as const;
  const accelerator = { known: () => choice, choose: async () => choice, probeAgain: async () => choice };
  return { name, vmm: fakeVmm(vmm), layout, accelerator };
}
