import { findQemuUser, type QemuUser } from '#core/store/qemu-user.ts';
import {
  forwardRule,
  gdbServer,
  type Machine,
  type MachineDisk,
  type MachineNetwork,
  type PlacedMachine,
  type ProcessorKind,
  placeChannels,
  processorFeatures,
  type SharedFolder,
  type UserNetwork,
} from '../machine.ts';
import { unsupported } from '../unsupported.ts';
import { attributes, escapeXml } from './xml.ts';

/** A machine, with the metadata of its domain. */
export interface DomainSpec extends Omit<PlacedMachine, 'sockets'> {
  /** Null on another host: libvirt has a pseudo-terminal for the serial port, and places the channels. */
  readonly sockets: PlacedMachine['sockets'] | null;
  /** An element in a namespace of ours, or the empty string. */
  readonly metadataXml: string;
  /** The file that a domain which stays on its host prints to. Such a domain starts anew after a reboot or a crash. */
  readonly logPath?: string | undefined;
}

/**
 * The libvirt XML of a domain: one serial port, the channels, disks and network of its machine, and no other device.
 *
 * Source: libvirt adds a USB controller and a memory balloon unless configured otherwise. A reboot or a crash ends the
 * domain rather than restarting it: a second boot would have no caller. The serial port is a socket, since a pty drops
 * output without a reader and QEMU looks for a reader only once a second. No processor of a host's kind is named:
 * QEMU's own default, with features where a machine asks for them, starts everywhere, while a model of the host's kind
 * fails under KVM on hosts that hide a register QEMU wants to copy (seen: MSR 0x10a). ACPI is on where a disk boots: a
 * guest finds its devices by it. User-mode networking with forwarded ports is QEMU's own, by its command line:
 * libvirt's needs passt, which not every host has, and which root may not run. libvirt changes no owner: it would give
 * QEMU's user the files that many images share, and not take them back. A file that a guest writes to belongs to that
 * user from the beginning (`Layout.giveToQemu`).
 *
 * Shape: `user` is QEMU's user on the host of the machine; null leaves it to libvirt.
 */
export function writeDomainXml(spec: DomainSpec, user: QemuUser | null = qemuUserHere()): string {
  const { machine } = spec;
  checkMachine(machine);
  const [network] = machine.networks.filter((one) => one.kind === 'user');
  const qemuArgs = [
    ...(network === undefined ? [] : userNetworkArgs(network)),
    // libvirt has no element for it. A resume by gdb reaches libvirt as an event, as any other.
    ...(spec.gdbSocketPath === undefined ? [] : ['-gdb', gdbServer(spec.gdbSocketPath)]),
  ];
  const lines = [
    `<domain type="${machine.accel === 'kvm' ? 'kvm' : 'qemu'}"${qemuArgs.length === 0 ? '' : qemuNamespace}>`,
    `<name>${escapeXml(spec.name)}</name>`,
    `<uuid>${escapeXml(spec.uuid)}</uuid>`,
    `<title>${escapeXml(spec.title)}</title>`,
    spec.metadataXml && `<metadata>${spec.metadataXml}</metadata>`,
    `<memory unit="MiB">${machine.memoryMiB}</memory>`,
    machine.shares.some(isVirtioFs) && sharedMemory,
    `<vcpu>${machine.vcpus}</vcpu>`,
    machine.processor !== undefined && writeProcessor(machine.processor),
    '<os>',
    `<type arch="x86_64"${attributes({ machine: machine.machineType })}>hvm</type>`,
    ...writeBoot(spec),
    '</os>',
    (machine.kernel === null || machine.disks.some(({ isReadOnly }) => !isReadOnly)) && '<features><acpi/></features>',
    spec.logPath === undefined ? writeEnds('destroy') : writeEnds('restart'),
    '<devices>',
    '<controller type="usb" model="none"/>',
    '<memballoon model="none"/>',
    writeSerial(spec),
    ...writeChannels(spec),
    ...machine.disks.map(writeDisk),
    ...machine.networks.map(writeInterface),
    machine.vsock !== null && `<vsock model="virtio"><cid auto="no" address="${machine.vsock.cid}"/></vsock>`,
    ...machine.shares.map(writeShare),
    '</devices>',
    user !== null && writeOwner(user),
    qemuArgs.length > 0 && writeQemuArgs(qemuArgs),
    '</domain>',
  ];
  return lines.filter((line) => line !== null && line !== false && line !== '').join('\n');
}

const qemuUserHere = () => findQemuUser(process.getuid?.() ?? -1);

const writeOwner = ({ uid, gid }: QemuUser) =>
  `<seclabel type="static" model="dac" relabel="no"><label>+${uid}:+${gid}</label></seclabel>`;

const writeProcessor = (kind: ProcessorKind) =>
  `<cpu mode="custom" match="exact" check="none"><model fallback="forbid">qemu64</model>${processorFeatures[kind].map((name) => `<feature policy="require" name="${name}"/>`).join('')}</cpu>`;

const qemuNamespace = ' xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0"';

/** Errors: MACHINE_UNSUPPORTED. */
function checkMachine({ firmware, networks }: Machine): void {
  if (firmware === 'none') {
    throw unsupported('libvirt', 'a kernel without firmware', 'Its QEMU machines begin in firmware: choose `quick`.');
  }
  if (networks.filter(({ kind }) => kind === 'user').length > 1) {
    throw unsupported('libvirt', 'two user-mode networks', 'Forward all ports over one.');
  }
}

function writeBoot({ machine, firmwarePath }: DomainSpec): string[] {
  if (machine.kernel === null) return ['<boot dev="hd"/>'];
  const { path, cmdline, initrdPath } = machine.kernel;
  const isQuick = machine.firmware === 'quick' && firmwarePath !== null;
  const loader = isQuick ? `<loader readonly="yes" type="rom">${escapeXml(firmwarePath)}</loader>` : '';
  const initrd = initrdPath === undefined ? '' : `<initrd>${escapeXml(initrdPath)}</initrd>`;
  const args = cmdline && `<cmdline>${escapeXml(cmdline)}</cmdline>`;
  return [loader, `<kernel>${escapeXml(path)}</kernel>`, initrd, args];
}

const isVirtioFs = ({ kind }: SharedFolder) => kind === 'virtio-fs';

/** virtiofsd reads and writes the guest's memory, so that must not be QEMU's alone. */
const sharedMemory = '<memoryBacking><source type="memfd"/><access mode="shared"/></memoryBacking>';

function writeShare(share: SharedFolder): string {
  const driver = isVirtioFs(share) ? '<driver type="virtiofs"/>' : '';
  const source = `<source${attributes({ dir: share.path })}/><target${attributes({ dir: share.tag })}/>`;
  // virtiofsd of Debian 12 knows no read-only folders: the guest mounts it read-only.
  const readOnly = share.isReadOnly && !isVirtioFs(share) ? '<readonly/>' : '';
  return `<filesystem type="mount" accessmode="passthrough">${driver}${source}${readOnly}</filesystem>`;
}

function writeDisk({ path, format, backing, isReadOnly }: MachineDisk, index: number): string {
  const target = { dev: `vd${String.fromCharCode(97 + index)}`, bus: 'virtio' };
  // The guest's writes are lost with the instance, or kept in a volume: the host's page cache may delay them.
  const driver = { name: 'qemu', type: format, cache: 'writeback' };
  return `<disk type="file" device="disk"><driver${attributes(driver)}/><source${attributes({ file: path })}/>${backing === undefined ? '' : writeBacking(backing)}<target${attributes(target)}/>${isReadOnly ? '<readonly/>' : ''}</disk>`;
}

/** Files that many disks lie on keep their owner: QEMU's user only reads them. */
const writeBacking = (chain: NonNullable<MachineDisk['backing']>): string =>
  chain.reduceRight(
    (below, { path, format }) =>
      `<backingStore type="file"><format${attributes({ type: format })}/><source${attributes({ file: path })}><seclabel model="dac" relabel="no"/></source>${below}</backingStore>`,
    '<backingStore/>',
  );

function writeInterface(network: MachineNetwork): string {
  // Without a boot ROM: the firmware would spend its time searching for a boot server.
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

/** The alias of the channel for the function's output, where it is not found by its socket. */
export const outputAlias = 'ua-output';

const writeEnds = (then: 'destroy' | 'restart') =>
  `<on_poweroff>destroy</on_poweroff><on_reboot>${then}</on_reboot><on_crash>${then}</on_crash>`;

const writeSerial = ({ sockets, logPath }: DomainSpec) =>
  sockets === null
    ? `<serial type="pty">${logPath === undefined ? '' : `<log${attributes({ file: logPath, append: 'on' })}/>`}<target port="0"/></serial>`
    : `<serial type="unix"><source mode="bind"${attributes({ path: sockets.serial })}/><target port="0"/></serial>`;

/** Slot 16 of the first bus: libvirt, which does not know of this device, gives its own from the lowest slot on. */
const userNetworkSlot = '0x10';

/** The name of the user-mode network in QEMU. */
export const userNetworkId = 'firstlight';

const writeQemuArgs = (args: readonly string[]) =>
  `<qemu:commandline>${args.map((value) => `<qemu:arg${attributes({ value })}/>`).join('')}</qemu:commandline>`;

function userNetworkArgs({ guestIp, forwards, isRestricted }: UserNetwork): string[] {
  const rules = forwards.map((one) => `,${forwardRule(guestIp, one)}`);
  return [
    '-netdev',
    `user,id=${userNetworkId}${isRestricted ? ',restrict=on' : ''}${rules.join('')}`,
    '-device',
    `virtio-net-pci,netdev=${userNetworkId},addr=${userNetworkSlot},romfile=`,
  ];
}

/**
 * The virtio-serial controller and its channels. Port 0 is reserved for another kind, so there is one more port than
 * channels.
 */
function writeChannels(spec: DomainSpec): string[] {
  const { machine, sockets } = spec;
  if (machine.channels.length === 0) return [];
  const elements =
    sockets === null
      ? machine.channels.map(({ name, carries }) => {
          const alias = carries === 'output' ? `<alias${attributes({ name: outputAlias })}/>` : '';
          return `<channel type="unix"><target type="virtio"${attributes({ name })}/>${alias}</channel>`;
        })
      : placeChannels({ ...spec, sockets }).map(
          ({ name, path }) =>
            `<channel type="unix"><source mode="bind"${attributes({ path })}/><target type="virtio"${attributes({ name })}/></channel>`,
        );
  return [`<controller type="virtio-serial" index="0" ports="${elements.length + 1}"/>`, ...elements];
}
