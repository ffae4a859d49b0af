import {
  forwardRule,
  gdbServer,
  type Machine,
  type MachineNetwork,
  type PlacedMachine,
  placeChannels,
  processorFeatures,
} from '../machine.ts';
import { unsupported } from '../unsupported.ts';

/** The name of QEMU's program. */
export const qemuProgram = 'qemu-system-x86_64';

/** QEMU reads a comma as the end of a value; two stand for one. */
const value = (text: string) => text.replaceAll(',', ',,');

/**
 * The arguments of QEMU for a machine that starts paused and takes commands on its QMP socket.
 *
 * Errors: MACHINE_UNSUPPORTED.
 */
export function writeQemuArgs(placed: PlacedMachine, qmpSocket: string): string[] {
  const { machine, name, uuid, sockets } = placed;
  checkMachine(machine);
  return [
    ...['-name', `guest=${value(name)}`, '-uuid', uuid],
    ...['-machine', machine.machineType, '-accel', machine.accel],
    ...(machine.processor === undefined
      ? []
      : ['-cpu', `qemu64,${processorFeatures[machine.processor].map((name) => `${name}=on`).join(',')}`]),
    ...['-m', `${machine.memoryMiB}M`, '-smp', String(machine.vcpus)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-S'],
    ...['-chardev', `socket,id=qmp,path=${value(qmpSocket)},server=on,wait=off`, '-mon', 'chardev=qmp,mode=control'],
    ...['-chardev', `socket,id=serial,path=${value(sockets.serial)},server=on,wait=off`, '-serial', 'chardev:serial'],
    ...(placed.gdbSocketPath === undefined ? [] : ['-gdb', gdbServer(placed.gdbSocketPath)]),
    ...writeBoot(placed),
    ...writeChannels(placed),
    ...machine.disks.flatMap(({ path, format, backing = [], isReadOnly }) => [
      '-drive',
      `file=${value(path)},format=${format},if=virtio${backing.map(writeBacking).join('')}${isReadOnly ? ',readonly=on' : ''}`,
    ]),
    ...machine.networks.flatMap(writeNetwork),
    ...(machine.vsock === null ? [] : ['-device', `vhost-vsock-pci,guest-cid=${machine.vsock.cid}`]),
    ...machine.shares.flatMap(({ path, tag, isReadOnly }) => [
      '-virtfs',
      `local,path=${value(path)},mount_tag=${value(tag)},security_model=none${isReadOnly ? ',readonly=on' : ''}`,
    ]),
  ];
}

/** A file that a disk lies on, at its place in the chain. */
function writeBacking({ path, format }: { readonly path: string; readonly format: string }, depth: number): string {
  const at = 'backing.'.repeat(depth + 1);
  return `,${at}driver=${format},${at}file.filename=${value(path)}`;
}

function checkMachine({ firmware, networks, shares, machineType }: Machine): void {
  const cannotGive = (what: string, hint: string) => unsupported('QEMU alone', what, hint);
  if (firmware === 'none')
    throw cannotGive('a kernel without firmware', 'Its machines begin in firmware: choose `quick`.');
  if (networks.some(({ kind }) => kind === 'network')) {
    throw cannotGive('a network of libvirt', 'Choose a bridge, or user-mode networking.');
  }
  if (shares.some(({ kind }) => kind === 'virtio-fs')) {
    throw cannotGive('a virtio-fs folder', 'virtio-fs needs virtiofsd beside QEMU, which libvirt starts. Choose 9p.');
  }
  if (machineType === 'microvm')
    throw cannotGive('a microvm', 'It has no PCI, which these devices are on. Choose pc or q35.');
}

function writeBoot({ machine, firmwarePath }: PlacedMachine): string[] {
  if (machine.kernel === null) return [];
  const { path, cmdline, initrdPath } = machine.kernel;
  return [
    ...(machine.firmware === 'quick' && firmwarePath !== null ? ['-bios', firmwarePath] : []),
    ...['-kernel', path],
    ...(initrdPath === undefined ? [] : ['-initrd', initrdPath]),
    ...(cmdline === '' ? [] : ['-append', cmdline]),
  ];
}

function writeChannels(placed: PlacedMachine): string[] {
  const channels = placeChannels(placed);
  if (channels.length === 0) return [];
  return [
    ...['-device', `virtio-serial-pci,max_ports=${channels.length + 1}`],
    ...channels.flatMap(({ name, path }, index) => [
      ...['-chardev', `socket,id=channel${index},path=${value(path)},server=on,wait=off`],
      ...['-device', `virtserialport,chardev=channel${index},name=${value(name)}`],
    ]),
  ];
}

function writeNetwork(network: MachineNetwork, index: number): string[] {
  const id = `net${index}`;
  const device = ['-device', `virtio-net-pci,netdev=${id},romfile=`];
  if (network.kind !== 'user') return ['-netdev', `bridge,id=${id},br=${value(network.name)}`, ...device];
  const rules = network.forwards.map((one) => `,${forwardRule(network.guestIp, one)}`);
  return ['-netdev', `user,id=${id}${network.isRestricted ? ',restrict=on' : ''}${rules.join('')}`, ...device];
}
