import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { locateResources } from '#core/store/resources.ts';
import { findFirmware } from '../firmware.ts';
import { type Machine, type PlacedMachine, plainMachine } from '../machine.ts';
import { writeQemuArgs } from './qemu-command.ts';
import { createQemuVmm } from './qemu-vmm.ts';

const { floorKernelPath } = locateResources();
const canBoot = existsSync(floorKernelPath) && existsSync('/usr/bin/qemu-system-x86_64');
const dir = mkdtempSync(join(tmpdir(), 'fl-q-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const plain = plainMachine(
  { accel: 'tcg', memoryMiB: 32, vcpus: 1 },
  { kernel: { path: floorKernelPath, cmdline: '' } },
);
const place = (more: Partial<Machine> = {}): PlacedMachine => ({
  machine: { ...plain, ...more },
  name: 'firstlight-floor',
  uuid: '6a1c5f0e-0000-4000-8000-000000000001',
  title: 'floor',
  firmwarePath: findFirmware(),
  sockets: { serial: join(dir, 'serial.sock'), channel: join(dir, 'channel.sock'), console: join(dir, 'console.sock') },
});

const unkept = { keep: false, metadata: { id: 'floor-1', owner: { pid: 1 } }, doing: 'boot the floor guest' };

function openVmm(qmpSocket: string) {
  const events: string[] = [];
  const vmm = createQemuVmm({
    env: process.env,
    qmpSocketOf: () => join(dir, qmpSocket),
    listener: {
      onStarted: ({ name }) => events.push(`started ${name}`),
      onPaused: () => events.push('paused'),
      onResumed: () => events.push('resumed'),
      onEnded: (_, reason) => events.push(`ended: ${reason}`),
    },
  });
  return { vmm, events };
}

describe.skipIf(!canBoot)(`QEMU alone${canBoot ? '' : ' (skipped: no QEMU, or the floor guest is not built)'}`, () => {
  it('boots the floor guest, which prints nothing before it is resumed', async () => {
    const { vmm, events } = openVmm('qmp.sock');
    const placed = place();
    const machine = await vmm.create(placed, unkept);
    try {
      const { serial } = await machine.openConsole(placed.sockets);
      let printed = '';
      const spoke = new Promise<void>((resolve) => {
        serial.on('data', (chunk: Buffer) => {
          printed += chunk.toString('latin1');
          if (printed.includes('F')) resolve();
        });
      });
      expect([await machine.readState(), printed]).toEqual(['paused', '']);
      const { sentNs, doneNs } = machine.resume();
      expect(await doneNs).toBeGreaterThanOrEqual(sentNs);
      await spoke;
      expect([await machine.readState(), printed]).toEqual(['running', 'F']);
      await machine.pause();

      expect(await vmm.list()).toEqual([machine]);
      expect(await machine.readMetadata()).toEqual(unkept.metadata);
      expect(await machine.describe()).toContain(`guest=${placed.name}`);
      const [stats] = await vmm.readStats([machine]);
      expect(stats?.memoryBytes).toBeGreaterThan(1e6);
      expect(vmm.findProcess(placed.name)).toBeGreaterThan(1);
    } finally {
      await vmm.close();
    }
    expect(await vmm.list()).toEqual([]);
    expect(events).toEqual(['started firstlight-floor', 'resumed', 'paused', 'ended: destroyed']);
  });

  it('reports that QEMU ended before it could start', async () => {
    const nowhere = { kernel: { path: join(dir, 'absent.elf'), cmdline: '' } };
    const creating = openVmm('other.sock').vmm.create(place(nowhere), unkept);
    await expect(creating).rejects.toMatchObject({ code: 'BOOT_FAILED' });
  });

  it('refuses to keep a machine', async () => {
    const creating = openVmm('third.sock').vmm.create(place(), { ...unkept, keep: true });
    await expect(creating).rejects.toMatchObject({ code: 'MACHINE_UNSUPPORTED' });
  });
});

describe('a machine that a VMM cannot give is refused before anything is started', () => {
  it.each<[string, Partial<Machine>, RegExp]>([
    ['no firmware', { firmware: 'none' }, /QEMU alone cannot give a machine a kernel without firmware/],
    ['a network of libvirt', { networks: [{ kind: 'network', name: 'default' }] }, /a network of libvirt/],
    [
      'virtio-fs',
      { shares: [{ kind: 'virtio-fs', path: '/a', tag: 'a', isReadOnly: false }] },
      /cannot give a machine a virtio-fs folder/,
    ],
  ])('by QEMU: %s', (_, more, message) => {
    expect(() => writeQemuArgs(place(more), '/qmp')).toThrow(message);
  });

  it('a restricted network has its forwarded ports and no more', () => {
    const network = { kind: 'user', guestIp: '10.0.2.15', forwards: [], isRestricted: true } as const;
    expect(writeQemuArgs(place({ networks: [network] }), '/qmp')).toContain('user,id=net0,restrict=on');
    const open = { ...network, isRestricted: false };
    expect(writeQemuArgs(place({ networks: [open] }), '/qmp')).toContain('user,id=net0');
  });

  it('a processor of x86-64-v2 is the default one with more features', () => {
    expect(writeQemuArgs(place({ processor: 'x86-64-v2' }), '/qmp')).toContain(
      'qemu64,ssse3=on,sse4.1=on,sse4.2=on,popcnt=on,cx16=on',
    );
    expect(writeQemuArgs(place(), '/qmp')).not.toContain('-cpu');
    expect(writeQemuArgs(place(), '/qmp')).not.toContain('-gdb');
    expect(writeQemuArgs({ ...place(), gdbSocketPath: '/gdb.sock' }, '/qmp')).toContain(
      'unix:/gdb.sock,server=on,wait=off',
    );
  });

  it('a disk that several machines have is read only', () => {
    const args = writeQemuArgs(place({ disks: [{ path: '/a', format: 'raw', isReadOnly: true }] }), '/qmp');
    expect(args).toContain('file=/a,format=raw,if=virtio,readonly=on');
  });

  it('a comma in a path is one of the path', () => {
    const args = writeQemuArgs(place({ disks: [{ path: '/a,b', format: 'raw' }] }), '/qmp');
    expect(args).toContain('file=/a,,b,format=raw,if=virtio');
  });
});
