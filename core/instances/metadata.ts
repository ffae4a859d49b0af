import { z } from 'zod';
import { exclusiveResources } from '#core/runtime/machines.ts';
import { ownerSchema } from '#core/store/owner.ts';
import { attributes } from '#core/vmm/libvirt/xml.ts';
import { accelSchema } from '#shared/model/instance.ts';
import { runtimeIdSchema } from '#shared/model/project.ts';
import { startModeSchema } from '#shared/model/timeline.ts';
import { bundleIdSchema, imageIdSchema, instanceIdSchema, projectIdSchema, runIdSchema } from '#shared/model/units.ts';

/** Names our element in a domain's metadata. */
export const metadataNamespace = 'https://firstlight.dev/xmlns/instance/1';
export const metadataPrefix = 'firstlight';

const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

const recordSchema = z.object({
  id: instanceIdSchema,
  /** The state directory of the Firstlight that made it: others leave it alone. */
  home: z.string().min(1),
  projectId: projectIdSchema,
  functionName: z.string().min(1),
  imageId: imageIdSchema,
  bundleId: bundleIdSchema,
  imagePath: z.string().min(1),
  runtime: runtimeIdSchema,
  accel: accelSchema,
  startMode: startModeSchema,
  memoryMiB: z.coerce.number().int(),
  vcpus: z.coerce.number().int(),
  timeoutMs: z.coerce.number().int(),
  keep: flag,
  /** True for a kept instance whose first run has ended: it is of use without the process that started it. */
  firstRunEnded: flag.default(true),
  createdAt: z.string(),
  socketDir: z.string().min(1),
  /** The information for a session. Only its runtime reads it. */
  sessionInfo: z.string().nullable().default(null),
  /** The resource that no second instance can have at the same time. */
  exclusiveResource: z.enum(exclusiveResources).default('none'),
  runId: runIdSchema.nullable().default(null),
});

/** As `ownerSchema` of the store has it; attributes are all text. */
const ownerAttributesSchema = ownerSchema.extend({ pid: z.coerce.number().int() });

/** The record in the metadata of a domain of ours. Any Firstlight can read whose it is, and adopt it. */
const instanceRecordSchema = recordSchema.extend({ owner: ownerAttributesSchema });
export type InstanceRecord = z.output<typeof instanceRecordSchema>;

/** The element that carries a record in a domain's metadata. Shape: values are escaped. */
export function writeMetadata(record: InstanceRecord): string {
  const { owner, ...values } = record;
  return (
    `<${metadataPrefix}:instance xmlns:${metadataPrefix}="${metadataNamespace}"${attributes(values)}>` +
    `<${metadataPrefix}:owner${attributes({ ...owner })}/></${metadataPrefix}:instance>`
  );
}

/** The same element as libvirt wants it for a domain that is there: it adds the namespace by itself. */
export function writeBareMetadata({ owner, ...values }: InstanceRecord): string {
  return `<instance${attributes(values)}><owner${attributes({ ...owner })}/></instance>`;
}

/** The record in a metadata element, or null when it is none that this version understands. */
export async function readMetadata(xml: string): Promise<InstanceRecord | null> {
  // Only needed where instances of an earlier process are looked at, so nobody waits for it to load.
  const { XMLParser } = await import('fast-xml-parser');
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    removeNSPrefix: true,
    parseAttributeValue: false,
    // Numeric references: line ends in a path are written as such.
    htmlEntities: true,
  });
  const parsed = instanceRecordSchema.safeParse(rootOf(() => parser.parse(xml) as { instance?: unknown }));
  return parsed.success ? parsed.data : null;
}

/** The element, or undefined for text that is not XML: whoever may define domains may write anything there. */
function rootOf(parse: () => { readonly instance?: unknown }): unknown {
  try {
    return parse().instance;
  } catch {
    // The parser has errors of no class of its own, and nothing else is in reach that could fail.
    return undefined;
  }
}
