import type { Json } from '#shared/model/json.ts';
import type { Machine, PlacedMachine } from '../machine.ts';
import { unsupported } from '../unsupported.ts';

/**
 * The configuration of Firecracker (`--config-file`) for a machine.
 *
 * Source: Firecracker has KVM, a kernel it enters itself, virtio-mmio for raw disks, TAP devices and a vsock that ends in a
 * Unix socket of the host; no firmware, no virtio-serial, no shared folders.
 *
 * Errors: MACHINE_UNSUPPORTED.
 */
export function writeFirecrackerConfig({ machine, sockets }: PlacedMachine): Json {
  checkMachine(machine);
  const { kernel, disks, vsock } = machine;
  return {
    'boot-source': {
      kernel_image_path: kernel?.path ?? '',
      boot_args: kernel?.cmdline ?? '',
      ...(kernel?.initrdPath !== undefined && { initrd_path: kernel.initrdPath }),
    },
    'machine-config': { vcpu_count: machine.vcpus, mem_size_mib: machine.memoryMiB },
    drives: disks.map(({ path }, index) => ({
      drive_id: `disk${index}`,
      path_on_host: path,
      is_root_device: false,
      is_read_only: false,
    })),
    ...(vsock !== null && { vsock: { guest_cid: vsock.cid, uds_path: sockets.channel } }),
  };
}

function checkMachine({ accel, kernel, firmware, disks, networks, shares, channels }: Machine): void {
  const cannotGive = (what: string, hint: string) => unsupported('Firecracker', what, hint);
  if (accel !== 'kvm') throw cannotGive('emulated processors', 'It needs KVM; QEMU emulates.');
  if (kernel === null) throw cannotGive('a boot from its disk', 'It has no firmware: name a kernel.');
  if (firmware !== 'none') throw cannotGive('firmware', 'It enters the kernel itself: choose `none`.');
  if (disks.some(({ format }) => format !== 'raw')) throw cannotGive('a qcow2 disk', 'Its disks are raw.');
  if (networks.length > 0) throw cannotGive('this network', 'It takes TAP devices only, which are not described here.');
  if (shares.length > 0) throw cannotGive('a shared folder', 'Put the files on a disk.');
  if (channels.length > 0) throw cannotGive('a virtio-serial port', 'Reach the guest over vsock.');
}
