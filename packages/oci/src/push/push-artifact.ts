/** Documents about an image, beside it in its registry. Source: OCI distribution specification 1.1, "Referrers". */
import { z } from 'zod';
import type { OciReference } from '../reference.ts';
import { digestOf } from '../verify.ts';
import { mediaTypes } from '../write/blob.ts';
import { type Document, makeDocument } from '../write/compose.ts';
import { pushBlob, refused } from './push-blob.ts';
import { openRepository, type RegistryAccess, type RepositorySession } from './session.ts';

/** A document about an image, such as its SBOM or its provenance. */
export interface Artifact {
  /** The kind of the document, by which a reader finds it. */
  readonly artifactType: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** A signature as cosign has it: over a payload that names the image. */
export interface ImageSignature {
  readonly payload: Uint8Array;
  /** In base64. */
  readonly signature: string;
}

type Repository = Pick<Extract<OciReference, { kind: 'registry' }>, 'host' | 'name'>;

/** The image that a document is about. */
export type Subject = Pick<Document, 'mediaType' | 'digest' | 'size'>;

const emptyConfig = 'application/vnd.oci.empty.v1+json';
const emptyBytes = Buffer.from('{}');
const empty: Subject = { mediaType: emptyConfig, digest: digestOf(emptyBytes), size: emptyBytes.length };
const signatureType = 'application/vnd.dev.cosign.artifact.sig.v1+json';
const payloadType = 'application/vnd.dev.cosign.simplesigning.v1+json';
const imageConfigType = 'application/vnd.oci.image.config.v1+json';

const entrySchema = z.looseObject({ digest: z.string(), artifactType: z.string().optional() });
const indexSchema = z.looseObject({ manifests: z.array(entrySchema) });

/** The tag of what belongs to a digest, where a registry finds it by tags only. */
const tagOf = (digest: string, ending = '') => `${digest.replace(':', '-')}${ending}`;

/**
 * Attaches documents to a pushed image. A registry without the referrers API gets an index under the tag
 * `sha256-<digest>` instead. Shape: the digests of their manifests, in order.
 *
 * Errors: as `pushImage`.
 */
export async function pushArtifacts(
  { host, name }: Repository,
  subject: Subject,
  artifacts: readonly Artifact[],
  access: RegistryAccess,
): Promise<readonly string[]> {
  const session = await openRepository(host, name, access);
  const manifests: Referrer[] = [];
  for (const { artifactType, mediaType, bytes, annotations = {} } of artifacts) {
    await putBlob(session, emptyConfig, emptyBytes, access);
    const layer = await putBlob(session, mediaType, bytes, access);
    const manifest = makeDocument(mediaTypes.manifest, {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType,
      config: empty,
      layers: [layer],
      subject,
      annotations,
    });
    await putManifest(session, manifest, manifest.digest);
    manifests.push({ ...named(manifest), artifactType, annotations });
  }
  await list(session, subject.digest, manifests);
  return manifests.map(({ digest }) => digest);
}

/** Adds a signature as `cosign verify` finds it: under the tag `sha256-<digest>.sig`. Errors: as `pushImage`. */
export async function pushSignature(
  { host, name }: Repository,
  subject: Subject,
  { payload, signature }: ImageSignature,
  access: RegistryAccess,
): Promise<string> {
  const session = await openRepository(host, name, access);
  const layer = await putBlob(session, payloadType, payload, access);
  const config = makeDocument(imageConfigType, {
    architecture: '',
    os: '',
    config: {},
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  await putBlob(session, imageConfigType, config.bytes, access);
  const annotations = { 'dev.cosignproject.cosign/signature': signature };
  const manifest = makeDocument(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: signatureType,
    config: named(config),
    layers: [{ ...layer, annotations }],
    subject,
  });
  await putManifest(session, manifest, tagOf(subject.digest, '.sig'));
  await list(session, subject.digest, [{ ...named(manifest), artifactType: signatureType, annotations: {} }]);
  return manifest.digest;
}

interface Referrer extends Subject {
  readonly artifactType: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const named = ({ mediaType, digest, size }: Subject): Subject => ({ mediaType, digest, size });

async function putBlob(
  session: RepositorySession,
  mediaType: string,
  bytes: Uint8Array,
  { signal }: RegistryAccess,
): Promise<Subject> {
  const blob = { mediaType, bytes, digest: digestOf(bytes), size: bytes.length };
  await pushBlob(session, blob, { onSent: () => undefined, signal });
  return named(blob);
}

async function putManifest(session: RepositorySession, { mediaType, bytes }: Document, tag: string): Promise<void> {
  const path = `/v2/${session.name}/manifests/${tag}`;
  const body = { kind: 'bytes', bytes } as const;
  const answer = await session.ask({ method: 'PUT', path, headers: { 'content-type': mediaType }, body });
  if (answer.status !== 201) throw refused(session, answer);
}

/**
 * Makes manifests known as referrers: a registry that lists them by itself needs nothing more. Its answer to the push
 * proves neither, so the list is asked for.
 */
async function list(session: RepositorySession, digest: string, manifests: readonly Referrer[]): Promise<void> {
  const listed = await session.ask({ method: 'GET', path: `/v2/${session.name}/referrers/${digest}` });
  const known = listed.status === 200 ? readIndex(listed.text) : null;
  if (known !== null && manifests.every((one) => known.some((entry) => entry.digest === one.digest))) return;
  const path = `/v2/${session.name}/manifests/${tagOf(digest)}`;
  const before = await session.ask({ method: 'GET', path, headers: { accept: mediaTypes.index } });
  const others = ((before.status === 200 && readIndex(before.text)) || []).filter(
    (entry) => !manifests.some((one) => one.digest === entry.digest),
  );
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...others, ...manifests] };
  await putManifest(session, makeDocument(mediaTypes.index, index), tagOf(digest));
}

function readIndex(text: string): z.output<typeof indexSchema>['manifests'] | null {
  try {
    return indexSchema.parse(JSON.parse(text)).manifests;
  } catch {
    // Some registries answer with a page where they know no such address.
    return null;
  }
}
