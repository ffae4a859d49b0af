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

/** What cosign finds by a tag: a signature, or statements about the image. */
export interface CosignDocument {
  readonly kind: 'signature' | 'attestation';
  readonly bytes: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
}

type Repository = Pick<Extract<OciReference, { kind: 'registry' }>, 'host' | 'name'>;

/** The image that a document is about. */
export type Subject = Pick<Document, 'mediaType' | 'digest' | 'size'>;

const emptyConfig = 'application/vnd.oci.empty.v1+json';
const emptyBytes = Buffer.from('{}');
const empty: Subject = { mediaType: emptyConfig, digest: digestOf(emptyBytes), size: emptyBytes.length };
/** By the kind of a document: the end of its tag, its type for a list of referrers, the type of its bytes. */
const cosignTypes = {
  signature: {
    ending: '.sig',
    artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json',
    mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
  },
  attestation: {
    ending: '.att',
    artifactType: 'application/vnd.dev.cosign.artifact.att.v1+json',
    mediaType: 'application/vnd.dsse.envelope.v1+json',
  },
} as const;
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

/**
 * Adds a document where `cosign verify` and `cosign verify-attestation` look: under the tag `sha256-<digest>.sig` or
 * `.att`. Errors: as `pushImage`.
 */
export async function pushForCosign(
  { host, name }: Repository,
  subject: Subject,
  { kind, bytes, annotations }: CosignDocument,
  access: RegistryAccess,
): Promise<void> {
  const { ending, artifactType, mediaType } = cosignTypes[kind];
  const session = await openRepository(host, name, access);
  const layer = await putBlob(session, mediaType, bytes, access);
  const config = makeDocument(imageConfigType, {
    architecture: '',
    os: '',
    config: {},
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  await putBlob(session, imageConfigType, config.bytes, access);
  const manifest = makeDocument(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType,
    config: named(config),
    layers: [{ ...layer, annotations }],
    subject,
  });
  await putManifest(session, manifest, tagOf(subject.digest, ending));
  await list(session, subject.digest, [{ ...named(manifest), artifactType, annotations: {} }]);
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
