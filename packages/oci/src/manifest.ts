/** The documents of an OCI image, as received from outside. */

import { z } from 'zod';
import { OciError } from './oci-error.ts';
import { digestPattern } from './reference.ts';

/** The size above which the distribution specification lets a registry refuse a manifest. Units: bytes. */
export const maxManifestBytes = 4 << 20;
export const maxConfigBytes = 8 << 20;
/** Docker stops at 127. */
const maxLayers = 1024;
const maxManifests = 4096;

export const digestSchema = z.string().regex(digestPattern, 'a sha256 digest');

/** Names content by its digest. Units: `size` in bytes. */
export const descriptorSchema = z.object({
  mediaType: z.string().default(''),
  digest: digestSchema,
  size: z.number().int().nonnegative(),
});
export type Descriptor = z.output<typeof descriptorSchema>;

const platformSchema = z.object({ architecture: z.string(), os: z.string(), variant: z.string().optional() });

const indexSchema = z.object({
  manifests: z
    .array(
      descriptorSchema.extend({
        platform: platformSchema.optional(),
        annotations: z.record(z.string(), z.string()).optional(),
      }),
    )
    .max(maxManifests),
});
export type Index = z.output<typeof indexSchema>;

const manifestSchema = z.object({ config: descriptorSchema, layers: z.array(descriptorSchema).max(maxLayers) });
export type Manifest = z.output<typeof manifestSchema>;

const list = z.array(z.string()).nullish();
/** Docker takes a lone word for a list of one. */
const words = z.preprocess((value) => (typeof value === 'string' ? [value] : value), list);
const configSchema = z.object({
  architecture: z.string().default(''),
  os: z.string().default(''),
  config: z
    .object({
      Entrypoint: words,
      Cmd: words,
      Env: list,
      WorkingDir: z.string().nullish(),
      User: z.string().nullish(),
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
      Volumes: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
  rootfs: z.object({ diff_ids: z.array(digestSchema).max(maxLayers) }).optional(),
});
export type ImageConfig = z.output<typeof configSchema>;

/** `manifest.json` in an archive from `docker save`. Shape: paths inside the archive. */
const savedSchema = z
  .array(
    z.object({
      Config: z.string(),
      RepoTags: z.array(z.string()).nullish(),
      Layers: z.array(z.string()).max(maxLayers),
    }),
  )
  .max(maxManifests);
export type SavedImages = z.output<typeof savedSchema>;

/**
 * The index or the manifest in some bytes. `what` names it for a person.
 *
 * Errors: `invalid`; `unsupported` for a format from before 2017.
 */
export function parseManifest(bytes: Uint8Array, what: string): Index | Manifest {
  const json = parseJson(bytes, what);
  const { schemaVersion } = z.looseObject({ schemaVersion: z.unknown() }).safeParse(json).data ?? {};
  if (schemaVersion === 1) {
    throw new OciError('unsupported', `${what} has a manifest of version 1, which is no longer in use.`, {
      hint: 'Push the image again with a tool of today.',
    });
  }
  const isIndex = z.looseObject({ manifests: z.array(z.unknown()) }).safeParse(json).success;
  return check(isIndex ? indexSchema : manifestSchema, json, what);
}

export const parseImageConfig = (bytes: Uint8Array, what: string): ImageConfig =>
  check(configSchema, parseJson(bytes, what), what);

export const parseSavedImages = (bytes: Uint8Array, what: string): SavedImages =>
  check(savedSchema, parseJson(bytes, what), what);

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalidImage(what, 'its description is not JSON.', cause);
  }
}

function check<Schema extends z.ZodType>(schema: Schema, json: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalidImage(what, `its description is not an image's (${z.prettifyError(parsed.error).split('\n')[0]}).`);
}

const invalidImage = (what: string, why: string, cause?: unknown) =>
  new OciError('invalid', `${what} cannot be unpacked: ${why}`, {
    hint: 'Fetch or make it again; if it stays so, it was made wrongly or is hostile.',
    subject: what,
    cause,
  });
