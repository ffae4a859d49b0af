import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { locateResources } from '#core/store/resources.ts';
import { connectSerial } from '../connect-serial.ts';
import { writeFirecrackerConfig } from '../firecracker/firecracker-config.ts';
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

describe.skipIf(!canBoot)(`QEMU alone${canBoot ? '' : ' (skipped: no QEMU, or the floor guest is not built)'}`, () => {
  it('boots the floor guest, which says nothing before it is resumed', async () => {
    const vmm = createQemuVmm({ env: process.env, qmpSocketOf: () => join(dir, 'qmp.sock') });
    const running = await vmm.start(place());
    try {
      const serial = await connectSerial(join(dir, 'serial.sock'));
      let said = '';
      const spoke = new Promise<void>((resolve) => {
        serial.on('data', (chunk: Buffer) => {
          said += chunk.toString('latin1');
          if (said.includes('F')) resolve();
        });
      });
      await running.pause();
      expect(said).toBe('');
      await running.resume();
      await spoke;
      expect(said).toBe('F');
      await running.pause();
    } finally {
      await running.stop();
    }
    await running.ended;
  });

  it('says that QEMU ended when it could not start', async () => {
    const vmm = createQemuVmm({ env: process.env, qmpSocketOf: () => join(dir, 'other.sock') });
    const nowhere = { kernel: { path: join(dir, 'absent.elf'), cmdline: '' } };
    await expect(vmm.start(place(nowhere))).rejects.toMatchObject({ code: 'BOOT_FAILED' });
  });
});

describe('what a VMM cannot give is said before anything is started', () => {
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

  const forFirecracker = { accel: 'kvm', firmware: 'none' } as const;
  it.each<[string, Partial<Machine>, RegExp]>([
    ['emulation', { accel: 'tcg', firmware: 'none' }, /emulated processors/],
    ['firmware', { accel: 'kvm' }, /Firecracker cannot give a machine firmware/],
    ['a disk that boots', { ...forFirecracker, kernel: null }, /a boot from its disk/],
    ['qcow2', { ...forFirecracker, disks: [{ path: '/a', format: 'qcow2' }] }, /a qcow2 disk/],
    ['virtio-serial', { ...forFirecracker, channels: [{ name: 'a', carries: 'output' }] }, /a virtio-serial port/],
  ])('by Firecracker: %s', (_, more, message) => {
    expect(() => writeFirecrackerConfig(place(more))).toThrow(message);
  });

  it('and what Firecracker can give is in its configuration', () => {
    const kernel = { path: '/vmlinux', cmdline: 'quiet', initrdPath: '/initrd' };
    const machine = place({ ...forFirecracker, kernel, vsock: { cid: 5 }, disks: [{ path: '/d', format: 'raw' }] });
    expect(writeFirecrackerConfig(machine)).toEqual({
      'boot-source': { kernel_image_path: '/vmlinux', boot_args: 'quiet', initrd_path: '/initrd' },
      'machine-config': { vcpu_count: 1, mem_size_mib: 32 },
      drives: [{ drive_id: 'disk0', path_on_host: '/d', is_root_device: false, is_read_only: false }],
      vsock: { guest_cid: 5, uds_path: join(dir, 'channel.sock') },
    });
  });

  it('a comma in a path is one of the path', () => {
    const args = writeQemuArgs(place({ disks: [{ path: '/a,b', format: 'raw' }] }), '/qmp');
    expect(args).toContain('file=/a,,b,format=raw,if=virtio');
  });
});
