import type { Machine } from '#core/runtimes/runtime.ts';
import type { Accel } from '#shared/model/instance.ts';
import { attributes, escapeXml } from './xml.ts';

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
  /** qboot: 25–35 ms less than SeaBIOS before the guest runs. Null: the machine's own firmware. */
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
 * The libvirt XML of a domain: one serial port, one or two channels, and no device that a function does not need.
 *
 * Source: libvirt adds a USB controller and a memory balloon unless told otherwise. A reboot or a crash ends the domain
 * rather than starting it anew: a second boot would have nobody to talk to. The serial port is a socket, since a pty
 * drops output while nobody is attached and QEMU looks only once a second whether somebody came. No processor is named:
 * QEMU's own default holds all that our guests use and starts everywhere, while a model of the host's kind fails under
 * KVM on hosts that hide a register QEMU wants to copy (seen: MSR 0x10a).
 */
export function writeDomainXml(spec: DomainSpec): string {
  const { machine } = spec;
  const lines = [
    `<domain type="${spec.accel === 'kvm' ? 'kvm' : 'qemu'}">`,
    `<name>${escapeXml(spec.name)}</name>`,
    `<uuid>${escapeXml(spec.uuid)}</uuid>`,
    `<title>${escapeXml(spec.title)}</title>`,
    spec.metadataXml && `<metadata>${spec.metadataXml}</metadata>`,
    `<memory unit="MiB">${spec.memoryMiB}</memory>`,
    `<vcpu>${spec.vcpus}</vcpu>`,
    '<os>',
    `<type arch="x86_64"${attributes({ machine: machine.machineType })}>hvm</type>`,
    spec.firmwarePath && `<loader readonly="yes" type="rom">${escapeXml(spec.firmwarePath)}</loader>`,
    `<kernel>${escapeXml(machine.kernelPath)}</kernel>`,
    machine.cmdline && `<cmdline>${escapeXml(machine.cmdline)}</cmdline>`,
    '</os>',
    '<on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot><on_crash>destroy</on_crash>',
    '<devices>',
    '<controller type="usb" model="none"/>',
    '<memballoon model="none"/>',
    `<serial type="unix"><source mode="bind"${attributes({ path: spec.serialSocketPath })}/><target port="0"/></serial>`,
    ...writeChannels(spec),
    '</devices>',
    '</domain>',
  ];
  return lines.filter((line) => line !== null && line !== '').join('\n');
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
