/** The files of a release on a host, and its domains there. */
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Domain, isNotFound, LibvirtError } from 'node-libvirt';
import { writeDomainXml } from '#core/vmm/libvirt/domain-xml.ts';
import { findVolume, isWhole, markOf, openPool, putVolume } from '#core/vmm/libvirt/host-pool.ts';
import { withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import { escapeXml } from '#core/vmm/libvirt/xml.ts';
import { type MachineDisk, type MachineNetwork, plainMachine } from '#core/vmm/machine.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { TargetHost } from './fleet.ts';
import { type DeployedRecord, domainNameOf, isDeployedName, type Release, volumesOf, writeRecord } from './record.ts';

/** The content of a volume, for a host that lacks it. */
export interface VolumeSource {
  readonly bytes: number;
  readonly read: () => Readable | Promise<Readable>;
}

/** Gives the content of a volume. Errors: NOT_FOUND where it is nowhere. */
export type FindSource = (volume: string) => Promise<VolumeSource>;

/** Volumes of deployed images. Those of runs have other names: they are not removed with a deployed function. */
const volumePrefix = 'deployed-';
export const volumeNameOf = (digest: string): string => `${volumePrefix}${digest}`;

/** The files of a release on a host. Shape: absolute paths there, by volume. */
export interface PlacedFiles {
  readonly paths: ReadonlyMap<string, string>;
  readonly sentBytes: number;
}

/** Copies to a host what it lacks of a release, once for each content. Errors: LIBVIRT_*; DISK_FULL; as `find`. */
export async function placeFiles(host: TargetHost, release: Release, find: FindSource): Promise<PlacedFiles> {
  return await withLibvirtErrors(`copy the image of ${release.functionName} to ${host.label}`, async () => {
    const pool = await openPool(host.connection);
    const paths = new Map<string, string>();
    let sentBytes = 0;
    for (const volume of volumesOf(release)) {
      const source = (await isWhole(pool, volume)) ? { bytes: 0, read: neverRead } : await find(volume);
      const placed = await putVolume(pool, volume, source.bytes, source.read);
      paths.set(volume, placed.path);
      sentBytes += placed.sentBytes;
    }
    return { paths, sentBytes };
  });
}

function neverRead(): never {
  throw new FirstlightError('CONFLICT', 'Another program removed a file of this deploy from the host.', {
    hint: 'Deploy again.',
  });
}

/** The volumes of a release on hosts that have them, for hosts that lack them. */
export const sourceOnHosts =
  (hosts: readonly TargetHost[], { disk, diskFileBytes }: Release): FindSource =>
  async (volume) => {
    for (const { connection } of hosts) {
      const pool = await openPool(connection);
      const found = (await isWhole(pool, volume)) ? await findVolume(pool, volume) : null;
      if (found === null) continue;
      // Of a file with a disk in it, libvirt knows that disk's size as the capacity.
      const bytes = volume === disk ? diskFileBytes : (await found.info()).capacityBytes;
      return { bytes, read: () => found.download({ lengthBytes: bytes }) };
    }
    throw new FirstlightError('NOT_FOUND', 'No host that can be reached has the image of that revision any more.', {
      hint: 'Deploy the function again from its project.',
      details: { subject: volume },
    });
  };

export interface DefineOptions {
  /** A domain that is there, in whose place this one is defined. */
  readonly uuid?: string;
  /** The port that leads to the guest, in place of the record's. 0: QEMU chooses one at each start. */
  readonly hostPort?: number;
}

/**
 * Defines the domain of a record.
 *
 * Errors: CONFLICT for another one of that name; LIBVIRT_*.
 */
export async function defineInstance(
  host: TargetHost,
  record: DeployedRecord,
  files: PlacedFiles,
  { uuid, hostPort = record.port }: DefineOptions = {},
): Promise<Domain> {
  const name = domainNameOf(record);
  const { accel, memoryMiB, vcpus } = record;
  const pathOf = (volume: string) => files.paths.get(volume) ?? '';
  const kernelPath = pathOf(record.kernel);
  const disks = record.disk === '' ? [] : [await placeDisk(host, record, files, uuid === undefined)];
  const [anyPath = ''] = files.paths.values();
  const xml = writeDomainXml(
    {
      name,
      uuid: uuid ?? randomUUID(),
      title: `Firstlight: ${record.functionName}, revision ${record.revision}`,
      metadataXml: writeRecord(record),
      firmwarePath: record.firmware === '' ? null : pathOf(record.firmware),
      sockets: null,
      logPath: join(dirname(anyPath), logNameOf(name)),
      machine: plainMachine(
        { accel, memoryMiB, vcpus },
        {
          machineType: record.machineType,
          ...(record.processor !== '' && { processor: record.processor }),
          kernel:
            record.kernel === ''
              ? null
              : {
                  path: kernelPath,
                  cmdline: record.cmdline,
                  ...(record.initrd !== '' && { initrdPath: pathOf(record.initrd) }),
                },
          disks,
          // The function's output goes to the serial port too: one log and one console have it all.
          channels: record.channel === '' ? [] : [{ name: record.channel, carries: 'invocations' }],
          networks: networksOf(record, hostPort),
        },
      ),
    },
    null,
  );
  try {
    return await host.connection.defineDomainXml(xml);
  } catch (thrown) {
    if (!(thrown instanceof LibvirtError) || !/already exists/i.test(thrown.message)) throw thrown;
    throw new FirstlightError('CONFLICT', `Another computer is deploying ${record.functionName} to ${host.label}.`, {
      hint: 'Wait for that deploy to end.',
      details: { subject: record.functionName },
      cause: thrown,
    });
  }
}

/** The disk that an instance writes to, on the image and the base that its host has once. */
async function placeDisk(
  { connection }: TargetHost,
  record: DeployedRecord,
  { paths }: PlacedFiles,
  isNew: boolean,
): Promise<MachineDisk> {
  const pool = await openPool(connection);
  const name = diskNameOf(domainNameOf(record));
  const image = { path: paths.get(record.disk) ?? '', format: 'qcow2' } as const;
  const base = { path: paths.get(record.base) ?? '', format: 'raw' } as const;
  let volume = await findVolume(pool, name);
  if (isNew && volume !== null) {
    // What a deploy that was killed has left: it lies on another image.
    await volume.delete();
    volume = null;
  }
  volume ??= await pool.createVolumeXml(
    `<volume><name>${name}</name><capacity unit="bytes">${record.diskBytes}</capacity><target><format type="qcow2"/><permissions><mode>0600</mode></permissions></target><backingStore><path>${escapeXml(image.path)}</path><format type="qcow2"/></backingStore></volume>`,
  );
  return { path: await volume.path(), format: 'qcow2', backing: [image, base] };
}

function networksOf({ guestIp, egress, guestPort, listen }: DeployedRecord, hostPort: number): MachineNetwork[] {
  if (guestIp === '') return [];
  const forward = { protocol: 'tcp', hostAddress: listen, hostPort, guestPort } as const;
  return [{ kind: 'user', guestIp, forwards: guestPort === 0 ? [] : [forward], isRestricted: egress === 'closed' }];
}

/** The volume that an instance writes to. */
const diskNameOf = (domain: string): string => `${domain}.qcow2`;

/** The volume with what an instance prints. */
export const logNameOf = (domain: string): string => `${domain}.log`;

/** Takes the domain of an instance off its host, with its log. One that is gone is no error. Errors: LIBVIRT_*. */
export async function removeInstance(host: TargetHost, domain: Domain): Promise<void> {
  await withLibvirtErrors(`remove ${domain.name} from ${host.label}`, async () => {
    await ignoreMissing(stopDomain(domain));
    await ignoreMissing(domain.undefine());
    const pool = await openPool(host.connection);
    for (const name of [logNameOf(domain.name), diskNameOf(domain.name)]) {
      const own = await findVolume(pool, name);
      if (own !== null) await ignoreMissing(own.delete());
    }
  });
}

/** Ends a domain. One that does not run is no error. Errors: LibvirtError. */
export async function stopDomain(domain: Domain): Promise<void> {
  try {
    await domain.destroy({ timeoutMs: stopTimeoutMs });
  } catch (thrown) {
    if (!(thrown instanceof LibvirtError) || thrown.codeName !== 'VIR_ERR_OPERATION_INVALID') throw thrown;
  }
}

/** libvirt waits for QEMU to be reaped, which takes some seconds on a busy machine. */
const stopTimeoutMs = 30_000;

export async function ignoreMissing(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (thrown) {
    if (!isNotFound(thrown)) throw thrown;
  }
}

/** Removes the images that no domain of the host uses any more. Errors: LIBVIRT_*. */
export async function removeUnusedImages({ connection, label }: TargetHost): Promise<void> {
  await withLibvirtErrors(`remove unused images from ${label}`, async () => {
    const pool = await openPool(connection);
    const volumes = (await pool.listVolumes()).filter(({ name }) => name.startsWith(volumePrefix));
    const domains = (await connection.listDomains()).filter(({ name }) => isDeployedName(name));
    const texts: string[] = [];
    for (const domain of domains) {
      await ignoreMissing(domain.xml({ inactive: true }).then((xml) => void texts.push(xml)));
    }
    const isUsed = (name: string) => texts.some((xml) => xml.includes(name));
    const unused = volumes.filter(({ name }) => !name.endsWith(markOf('')) && !isUsed(name));
    for (const volume of unused) {
      // The mark goes first: without it, a content is copied anew.
      const mark = volumes.find(({ name }) => name === markOf(volume.name));
      if (mark !== undefined) await ignoreMissing(mark.delete());
      await ignoreMissing(volume.delete());
    }
  });
}
