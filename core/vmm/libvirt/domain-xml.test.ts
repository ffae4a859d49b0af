import { XMLParser } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { type InstanceRecord, readInstanceRecord } from '#core/instances/instance-record.ts';
import { thisProcess } from '#core/store/owner.ts';
import { plainMachine } from '../machine.ts';
import { type DomainSpec, writeDomainXml } from './domain-xml.ts';
import { readMetadataXml, writeBareMetadataXml, writeMetadataXml } from './metadata-xml.ts';

const nasty = `a<b>&"'c\u0000\n`;
const spec: DomainSpec = {
  name: 'firstlight-hello-1a2b',
  uuid: '6a1c5f0e-0000-4000-8000-000000000001',
  title: 'hello',
  machine: plainMachine(
    { accel: 'tcg', memoryMiB: 64, vcpus: 2 },
    {
      kernel: { path: '/img/a.elf', cmdline: '' },
      channels: [
        { name: 'dev.firstlight.invoke.0', carries: 'invocations' },
        { name: 'dev.firstlight.console.0', carries: 'output' },
      ],
    },
  ),
  firmwarePath: '/usr/share/qemu/qboot.rom',
  sockets: {
    serial: '/run/firstlight/x/serial.sock',
    channel: '/run/firstlight/x/channel.sock',
    console: '/run/firstlight/x/console.sock',
  },
  metadataXml: '',
};
const record = {
  id: 'hello-1a2b',
  home: '/var/lib/firstlight',
  projectId: '0123456789ab',
  functionName: 'hello',
  imageId: 'a'.repeat(64),
  bundleId: 'b'.repeat(64),
  imagePath: `/img/${nasty.replace('\u0000', '')}.elf`,
  runtime: 'ember',
  accel: 'tcg',
  startMode: 'cold',
  memoryMiB: 64,
  vcpus: 1,
  timeoutMs: 10_000,
  keep: true,
  firstRunEnded: true,
  createdAt: '2026-01-02T03:04:05.678Z',
  socketDir: '/run/firstlight/1-a-b',
  sessionInfo: null,
  exclusiveResource: 'none',
  runId: null,
  owner: thisProcess(),
} as unknown as InstanceRecord;

const parse = (xml: string) => new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '@' }).parse(xml).domain;

describe('writeDomainXml', () => {
  it('gives a disk that several machines have as one that is read only, and ACPI to none of them', () => {
    const disk = { path: '/a', format: 'raw' } as const;
    const shared = writeDomainXml({ ...spec, machine: { ...spec.machine, disks: [{ ...disk, isReadOnly: true }] } });
    expect(shared).toContain('<target dev="vda" bus="virtio"/><readonly/></disk>');
    expect(shared).not.toContain('<acpi/>');
    const own = writeDomainXml({ ...spec, machine: { ...spec.machine, disks: [disk] } });
    expect(own).not.toContain('<readonly/>');
    expect(own).toContain('<acpi/>');
  });

  it('describes a machine with a serial port, two channels and nothing that a function does not need', () => {
    const domain = parse(writeDomainXml(spec));
    expect(domain['@type']).toBe('qemu');
    expect(domain.memory).toMatchObject({ '#text': 64, '@unit': 'MiB' });
    expect(domain.vcpu).toBe(2);
    expect(domain.os).toMatchObject({ kernel: '/img/a.elf', loader: { '#text': '/usr/share/qemu/qboot.rom' } });
    expect(domain.on_reboot).toBe('destroy');
    expect(Object.keys(domain.devices).sort()).toEqual(['channel', 'controller', 'memballoon', 'serial']);
    const channels = domain.devices.channel.map((one: Record<string, Record<string, string>>) => [
      one.target?.['@name'],
      one.source?.['@path'],
    ]);
    expect(channels).toEqual([
      ['dev.firstlight.invoke.0', '/run/firstlight/x/channel.sock'],
      ['dev.firstlight.console.0', '/run/firstlight/x/console.sock'],
    ]);
    expect(domain.cpu).toBeUndefined();
  });

  it('uses KVM only when the machine says so', () => {
    const domain = parse(writeDomainXml({ ...spec, machine: { ...spec.machine, accel: 'kvm' } }));
    expect(domain['@type']).toBe('kvm');
  });

  it('adds the features of x86-64-v2 where the machine counts on them', () => {
    const { cpu } = parse(writeDomainXml({ ...spec, machine: { ...spec.machine, processor: 'x86-64-v2' } }));
    expect(cpu.model['#text']).toBe('qemu64');
    expect(cpu.feature).toContainEqual({ '@policy': 'require', '@name': 'sse4.2' });
    expect(parse(writeDomainXml(spec)).cpu).toBeUndefined();
    const random = parse(writeDomainXml({ ...spec, machine: { ...spec.machine, processor: 'rdrand' } })).cpu;
    expect(random).toMatchObject({ '@check': 'none', feature: { '@name': 'rdrand' } });
  });

  it('omits channels and loader of a machine without', () => {
    const domain = parse(writeDomainXml({ ...spec, machine: { ...spec.machine, channels: [] }, firmwarePath: null }));
    expect(domain.devices.channel).toBeUndefined();
    expect(domain.os.loader).toBeUndefined();
  });

  it('escapes every value', () => {
    const xml = writeDomainXml({
      ...spec,
      name: nasty,
      title: nasty,
      machine: {
        ...spec.machine,
        kernel: { path: nasty, cmdline: nasty, initrdPath: nasty },
        channels: [{ name: nasty, carries: 'output' }],
        shares: [{ kind: '9p', path: nasty, tag: nasty, isReadOnly: true }],
      },
      sockets: { serial: nasty, channel: nasty, console: nasty },
      firmwarePath: nasty,
      metadataXml: writeMetadataXml(record),
    });
    expect(xml).not.toContain('a<b>');
    expect(xml).not.toContain('\u0000');
    const devices = ['channel', 'controller', 'filesystem', 'memballoon', 'serial'];
    expect(Object.keys(parse(xml).devices).sort()).toEqual(devices);
  });

  it('describes an initrd, vsock, folders that are shared, and memory that virtiofsd may use', () => {
    const machine = {
      ...spec.machine,
      kernel: { path: '/img/vmlinuz', cmdline: 'quiet', initrdPath: '/img/initrd' },
      vsock: { cid: 42 },
      shares: [{ kind: 'virtio-fs', path: '/srv/src', tag: 'src', isReadOnly: false }],
    } as const;
    const domain = parse(writeDomainXml({ ...spec, machine }));
    expect(domain.os).toMatchObject({ kernel: '/img/vmlinuz', initrd: '/img/initrd', cmdline: 'quiet' });
    expect(domain.devices.vsock.cid['@address']).toBe('42');
    expect(domain.devices.filesystem).toMatchObject({
      driver: { '@type': 'virtiofs' },
      source: { '@dir': '/srv/src' },
      target: { '@dir': 'src' },
    });
    expect(domain.memoryBacking.access['@mode']).toBe('shared');
  });

  it.each([
    [true, 'user,id=firstlight,restrict=on,hostfwd=tcp:127.0.0.1:4000-10.0.2.15:8080'],
    [false, 'user,id=firstlight,hostfwd=tcp:127.0.0.1:4000-10.0.2.15:8080'],
  ])('keeps user-mode networking to the forwarded ports where it is restricted (%s)', (isRestricted, netdev) => {
    const forwards = [{ protocol: 'tcp', hostPort: 4000, guestPort: 8080 }] as const;
    const networks = [{ kind: 'user', guestIp: '10.0.2.15', forwards, isRestricted }] as const;
    const domain = parse(writeDomainXml({ ...spec, machine: { ...spec.machine, networks } }));
    const args = domain['qemu:commandline']['qemu:arg'].map((arg: Record<string, string>) => arg['@value']);
    expect(args.slice(0, 2)).toEqual(['-netdev', netdev]);
  });

  it('binds a forwarded port to the address of the host that it names', () => {
    const forwards = [{ protocol: 'tcp', hostAddress: '0.0.0.0', hostPort: 4000, guestPort: 8080 }] as const;
    const networks = [{ kind: 'user', guestIp: '10.0.2.15', forwards, isRestricted: false }] as const;
    const xml = writeDomainXml({ ...spec, machine: { ...spec.machine, networks } });
    expect(xml).toContain('value="user,id=firstlight,hostfwd=tcp:0.0.0.0:4000-10.0.2.15:8080"');
  });

  it('lets gdb in by a socket, beside a network of QEMU’s own', () => {
    expect(writeDomainXml(spec)).not.toContain('-gdb');
    const network = { kind: 'user', guestIp: '10.0.2.15', forwards: [], isRestricted: true } as const;
    const machine = { ...spec.machine, networks: [network] };
    const xml = writeDomainXml({ ...spec, machine, gdbSocketPath: '/run/a,b/gdb.sock' });
    expect(xml.match(/<qemu:commandline>/g)).toHaveLength(1);
    expect(xml).toContain('<qemu:arg value="-gdb"/><qemu:arg value="unix:/run/a,,b/gdb.sock,server=on,wait=off"/>');
    expect(xml).toContain('restrict=on');
  });

  it('has QEMU run as a user to whom libvirt gives no files', () => {
    expect(parse(writeDomainXml(spec, { uid: 107, gid: 108 })).seclabel).toMatchObject({
      '@type': 'static',
      '@model': 'dac',
      '@relabel': 'no',
      label: '+107:+108',
    });
    expect(parse(writeDomainXml(spec, null)).seclabel).toBeUndefined();
  });

  it('says before the start what libvirt cannot give', () => {
    expect(() => writeDomainXml({ ...spec, machine: { ...spec.machine, firmware: 'none' } })).toThrow(
      /libvirt cannot give a machine a kernel without firmware/,
    );
  });
});

describe('metadata', () => {
  const read = async (xml: string) => readInstanceRecord(await readMetadataXml(xml));

  it('reads back what it wrote, for a new domain and for one that runs', async () => {
    expect(await read(writeMetadataXml(record))).toEqual(record);
    const withRun = { ...record, runId: 'mb3k2j1h0-abc123' as InstanceRecord['runId'] };
    expect(await read(writeBareMetadataXml(withRun))).toEqual(withRun);
  });

  it('understands a record that a VMM keeps as it is', () => {
    expect(readInstanceRecord(JSON.parse(JSON.stringify(record)))).toEqual(record);
  });

  it('gives null for an element of another version, and for no element at all', async () => {
    expect(await read(writeMetadataXml(record).replace('functionName=', 'other='))).toBeNull();
    expect(await read('<a/>')).toBeNull();
  });
});
