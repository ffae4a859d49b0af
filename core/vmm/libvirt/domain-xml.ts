import type { Accel } from '#shared/model/instance.ts';
import type { Machine, MachineNetwork } from '../machine.ts';
import { attributes, escapeXml } from './xml.ts';

/** Prefix of the names of all our domains. */
export const domainPrefix = 'firstlight-';

/** Everything that a domain of ours is made of. */
export interface DomainSpec {
  readonly name: string;
  readonly uuid: string;
  /** For people who look with `virsh desc`. */
  readonly title: string;
  readonly accel: Accel;
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly machine: Machine;
  /** qboot: 25–35 ms less than SeaBIOS before the guest runs, for machines with a kernel; it boots no disk. Null: the machine's own. */
  readonly firmwarePath: string | null;
  readonly serialSocketPath: string;
  /** Null: no channel, as for a probe that only writes to the console. */
  readonly channelSocketPath: string | null;
  /** For what the function prints, where the machine has a port for it. */
  readonly consoleSocketPath: string | null;
  /** An element in a namespace of ours, or the empty string. */
  readonly metadataXml: string;
}

/**
 * The libvirt XML of a domain: one serial port, the channels, disks and network that its machine has, and no device that a
 * function does not need.
 *
 * Source: libvirt adds a USB controller and a memory balloon unless told otherwise. A reboot or a crash ends the domain
 * rather than starting it anew: a second boot would have nobody to talk to. The serial port is a socket, since a pty
 * drops output while nobody is attached and QEMU looks only once a second whether somebody came. No processor is named:
 * QEMU's own default holds all that our guests use and starts everywhere, while a model of the host's kind fails under
 * KVM on hosts that hide a register QEMU wants to copy (seen: MSR 0x10a). ACPI is on where a disk boots: Nanos finds its
 * devices by it. User-mode networking with forwarded ports is QEMU's own, by its command line: libvirt's wants passt, which
 * not every host has, and which root may not run.
 */
export function writeDomainXml(spec: DomainSpec): string {
  const { machine } = spec;
  const lines = [
    `<domain type="${spec.accel === 'kvm' ? 'kvm' : 'qemu'}"${machine.network?.kind === 'user' ? qemuNamespace : ''}>`,
    `<name>${escapeXml(spec.name)}</name>`,
    `<uuid>${escapeXml(spec.uuid)}</uuid>`,
    `<title>${escapeXml(spec.title)}</title>`,
    spec.metadataXml && `<metadata>${spec.metadataXml}</metadata>`,
    `<memory unit="MiB">${spec.memoryMiB}</memory>`,
    `<vcpu>${spec.vcpus}</vcpu>`,
    '<os>',
    `<type arch="x86_64"${attributes({ machine: machine.machineType })}>hvm</type>`,
    ...writeBoot(spec),
    '</os>',
    machine.disks.length > 0 && '<features><acpi/></features>',
    '<on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot><on_crash>destroy</on_crash>',
    '<devices>',
    '<controller type="usb" model="none"/>',
    '<memballoon model="none"/>',
    `<serial type="unix"><source mode="bind"${attributes({ path: spec.serialSocketPath })}/><target port="0"/></serial>`,
    ...writeChannels(spec),
    ...machine.disks.map(writeDisk),
    machine.network !== null && writeInterface(machine.network),
    '</devices>',
    machine.network?.kind === 'user' && writeUserNetwork(machine.network),
    '</domain>',
  ];
  return lines.filter((line) => line !== null && line !== false && line !== '').join('\n');
}

const qemuNamespace = ' xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0"';

function writeBoot({ machine, firmwarePath }: DomainSpec): string[] {
  if (machine.kernel === null) return ['<boot dev="hd"/>'];
  const { path, cmdline } = machine.kernel;
  const loader = firmwarePath && `<loader readonly="yes" type="rom">${escapeXml(firmwarePath)}</loader>`;
  const args = cmdline && `<cmdline>${escapeXml(cmdline)}</cmdline>`;
  return [loader ?? '', `<kernel>${escapeXml(path)}</kernel>`, args];
}

function writeDisk({ path, format }: Machine['disks'][number], index: number): string {
  const target = { dev: `vd${String.fromCharCode(97 + index)}`, bus: 'virtio' };
  // What the guest writes is lost with the instance, or kept in a volume: the host's page cache may hold it back.
  const driver = { name: 'qemu', type: format, cache: 'writeback' };
  return `<disk type="file" device="disk"><driver${attributes(driver)}/><source${attributes({ file: path })}/><target${attributes(target)}/></disk>`;
}

function writeInterface(network: MachineNetwork): string {
  // Without a boot ROM: the firmware would spend its time on looking for a server to boot from.
  const model = '<model type="virtio"/><rom enabled="no"/>';
  switch (network.kind) {
    case 'network':
      return `<interface type="network"><source${attributes({ network: network.name })}/>${model}</interface>`;
    case 'bridge':
      return `<interface type="bridge"><source${attributes({ bridge: network.name })}/>${model}</interface>`;
    case 'user':
      return '';
  }
}

/** Slot 16 of the first bus: libvirt, which does not know of this device, gives its own from the lowest slot on. */
const userNetworkSlot = '0x10';

function writeUserNetwork({ guestIp, forwards }: Extract<MachineNetwork, { kind: 'user' }>): string {
  const rules = forwards.map(
    ({ protocol, hostPort, guestPort }) => `,hostfwd=${protocol}:127.0.0.1:${hostPort}-${guestIp}:${guestPort}`,
  );
  const args = [
    '-netdev',
    `user,id=firstlight${rules.join('')}`,
    '-device',
    `virtio-net-pci,netdev=firstlight,addr=${userNetworkSlot},romfile=`,
  ];
  return `<qemu:commandline>${args.map((value) => `<qemu:arg${attributes({ value })}/>`).join('')}</qemu:commandline>`;
}

/** The virtio-serial controller and its channels. Port 0 is another kind's, so there is one port more than there are channels. */
function writeChannels({ machine, channelSocketPath, consoleSocketPath }: DomainSpec): string[] {
  const channels = [
    { name: machine.channelName, path: channelSocketPath },
    { name: machine.consoleName, path: consoleSocketPath },
  ].flatMap(({ name, path }) => (name === null || path === null ? [] : [{ name, path }]));
  if (channels.length === 0) return [];
  return [
    `<controller type="virtio-serial" index="0" ports="${channels.length + 1}"/>`,
    ...channels.map(
      ({ name, path }) =>
        `<channel type="unix"><source mode="bind"${attributes({ path })}/><target type="virtio"${attributes({ name })}/></channel>`,
    ),
  ];
}
