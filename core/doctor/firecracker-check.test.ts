import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Runtime } from '#core/runtime/runtime.ts';
import { hostNow } from '#core/store/host-clock.ts';
import { createLayout } from '#core/store/layout.ts';
import { plainMachine } from '#core/vmm/machine.ts';
import { unsupported } from '#core/vmm/unsupported.ts';
import type { Vmm } from '#core/vmm/vmm.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { DoctorContext } from './check.ts';
import { firecrackerCheck } from './firecracker-check.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'fl-doctor-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Boots guests with a kernel, and has none of the devices of the others. */
function fakeVmm(): Vmm {
  const create: Vmm['create'] = async ({ machine }) => {
    if (machine.kernel === null) throw unsupported('Firecracker', 'a boot from its disk', '');
    const serial = new PassThrough();
    const resume = () => {
      serial.write('F');
      return { sentNs: hostNow(), doneNs: Promise.resolve(hostNow()) };
    };
    const running: Partial<Awaited<ReturnType<Vmm['create']>>> = {
      resume,
      kill: async () => undefined,
      openConsole: async () => ({ serial, output: null }),
    };
    return running as Awaited<ReturnType<Vmm['create']>>;
  };
  const vmm: Partial<Vmm> = {
    state: 'connected',
    confinement: 'not jailed: it runs as you',
    connect: async () => undefined,
    readVersions: async () => ({ firecracker: '1.2.3' }),
    create,
  };
  return vmm as Vmm;
}

/** A runtime whose guest has a kernel, or boots from a disk; null: its kernel is not installed. */
function runtime(id: string, hasKernel: boolean | null): Runtime {
  const kernel = hasKernel === true ? { path: '/kernel', cmdline: '' } : null;
  const made: Pick<Runtime, 'probeGuest'> & { readonly id: string } = {
    id,
    probeGuest: async () => {
      if (hasKernel === null) throw new Error('There is no kernel.');
      return {
        name: id,
        makeMachine: async (accel) => plainMachine({ accel, memoryMiB: 64, vcpus: 1 }, { kernel }),
      };
    },
  };
  return made as Runtime;
}

it('says how machines are held, and which runtimes do not boot in it', async () => {
  const vmm = fakeVmm();
  const context: Partial<DoctorContext> = {
    layout: createLayout({ home, env: {}, uid: process.getuid?.() ?? 0, qemuUser: null }),
    hosts: { list: () => [{ name: 'firecracker', vmm }] } as unknown as DoctorContext['hosts'],
    runtimes: [runtime('first', true), runtime('second', true), runtime('third', false), runtime('fourth', null)],
  };
  expect(await firecrackerCheck.look(context as DoctorContext)).toMatchObject({
    status: 'ok',
    found:
      '1.2.3: a guest booted in it, not jailed: it runs as you; ' +
      'third runs on libvirt only: Firecracker cannot give a machine a boot from its disk.',
  });
});

it('names what a network of its machines lacks', async () => {
  const hint = 'apt-get install slirp4netns';
  const whyNoNetwork = () => new FirstlightError('TOOL_MISSING', 'There is no slirp4netns.', { hint });
  const vmm: Vmm = { ...fakeVmm(), whyNoNetwork };
  const context: Partial<DoctorContext> = {
    layout: createLayout({ home, env: {}, uid: process.getuid?.() ?? 0, qemuUser: null }),
    hosts: { list: () => [{ name: 'firecracker', vmm }] } as unknown as DoctorContext['hosts'],
    runtimes: [runtime('first', true)],
  };
  expect(await firecrackerCheck.look(context as DoctorContext)).toMatchObject({
    status: 'ok',
    found: expect.stringContaining(`no functions with a network: There is no slirp4netns. ${hint}`),
  });
});
