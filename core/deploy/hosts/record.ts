/** The record that a deployed instance carries in its domain's metadata: the host itself keeps revisions. */
import type { Domain } from 'node-libvirt';
import { z } from 'zod';
import {
  deployedElement,
  metadataPrefix,
  readMetadataXml,
  writeBareMetadataXml,
  writeMetadataXml,
} from '#core/vmm/libvirt/metadata-xml.ts';
import { processorKinds } from '#core/vmm/machine.ts';
import { accelSchema } from '#shared/model/instance.ts';

const count = z.coerce.number().int().min(0);

export const releaseSchema = z.object({
  functionName: z.string().min(1),
  runtime: z.string().min(1),
  imageId: z.string(),
  timeoutMs: count,
  memoryMiB: count,
  vcpus: count,
  machineType: z.enum(['pc', 'q35', 'microvm']),
  /** Empty: QEMU's default. */
  processor: z.enum(['', ...processorKinds]).default(''),
  /** Volumes of our pool. Shape: empty where there is none; without a kernel, the disk is booted. */
  kernel: z.string(),
  firmware: z.string(),
  initrd: z.string(),
  cmdline: z.string(),
  /** The volume with its image, a qcow2 file on `base`; each instance has a disk of its own on top. */
  disk: z.string().default(''),
  base: z.string().default(''),
  /** The sizes of the file and of the disk in it. */
  diskFileBytes: count.default(0),
  diskBytes: count.default(0),
  /** The port that carries requests; empty for a guest that is called at its endpoint only. */
  channel: z.string(),
  /** Its address in the user-mode network; empty: it has no network. */
  guestIp: z.string().default(''),
  /** `open`: it opens connections too. */
  egress: z.enum(['open', 'closed']).default('closed'),
  /** The guest's port that serves HTTP; 0: none. */
  guestPort: count.default(0),
  /** The address of its host that this port is bound to; empty where there is none. */
  listen: z.string().default(''),
});

/** A revision's machine: all that its instances have in common, on any host. */
export type Release = z.output<typeof releaseSchema>;

const recordSchema = releaseSchema.extend({
  revision: count,
  index: count,
  /** The number of instances that are wanted, on all hosts together. */
  replicas: count,
  /** The port of its host that leads to `guestPort`, for as long as the domain is there; 0: none. */
  port: count.default(0),
  accel: accelSchema,
  deployedAt: z.string(),
  /** The computer that deployed it. */
  deployedBy: z.string(),
});
export type DeployedRecord = z.output<typeof recordSchema>;

const prefix = 'fn-';

/** True for the name of a deployed instance's domain. */
export const isDeployedName = (name: string): boolean => name.startsWith(prefix);

/** The name of an instance's domain. libvirt refuses a second one: so do two deploys of one revision. */
export const domainNameOf = ({
  functionName,
  revision,
  index,
}: Pick<DeployedRecord, 'functionName' | 'revision' | 'index'>): string =>
  `${prefix}${functionName}-r${revision}-${index}`;

export const writeRecord = (record: DeployedRecord): string => writeMetadataXml(record, deployedElement);

/** The record of a domain; null for one of someone else. Errors: LibvirtError. */
export async function readRecord(domain: Domain): Promise<DeployedRecord | null> {
  const xml = await domain.getMetadata(deployedElement.namespace, { config: true });
  if (xml === null) return null;
  const parsed = recordSchema.safeParse(await readMetadataXml(xml, deployedElement.name));
  return parsed.success ? parsed.data : null;
}

/** Replaces the record of a domain. Errors: LibvirtError. */
export async function updateRecord(domain: Domain, record: DeployedRecord): Promise<void> {
  const xml = writeBareMetadataXml(record, deployedElement.name);
  await domain.setMetadata(deployedElement.namespace, metadataPrefix, xml, { config: true });
}

/** The volumes of a release. */
export const volumesOf = ({ kernel, firmware, initrd, disk, base }: Release): string[] =>
  [kernel, firmware, initrd, disk, base].filter((name) => name !== '');
