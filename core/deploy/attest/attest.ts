/** The documents about a pushed image: bills of materials, provenance, signature. */
import type { KeyObject } from 'node:crypto';
import {
  type Artifact,
  type ComposedImage,
  type OciReference,
  pushArtifacts,
  pushForCosign,
  type RegistryAccess,
} from '@firstlight/oci';
import type { Bundle } from '#core/runtime/bundle.ts';
import type { ImagePart } from '#core/runtime/images.ts';
import { digestFile } from '#core/store/digest.ts';
import type { Image } from '#shared/model/image.ts';
import { type Component, listDebianPackagesOnce, listNpmPackages } from './components.ts';
import { writeProvenance } from './provenance.ts';
import { writeCycloneDx, writeSpdx } from './sbom.ts';
import { signImage, signStatement } from './sign.ts';

/** What is known of an image that was packed for a pod. */
export interface Packed {
  readonly bundle: Bundle;
  readonly image: Image;
  /** The runtime's parts of its image. */
  readonly parts: readonly ImagePart[];
  /** The files of this machine in it, and the folder for lists of their packages. */
  readonly hostFiles: readonly string[];
  readonly packagesDir: string;
  readonly commit: string | null;
  /** Firstlight's. */
  readonly version: string;
}

const types = {
  spdx: 'application/spdx+json',
  cycloneDx: 'application/vnd.cyclonedx+json',
  statement: 'application/vnd.in-toto+json',
  envelope: 'application/vnd.dsse.envelope.v1+json',
} as const;
const predicateType = { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v1' };

/**
 * Attaches SBOMs and a provenance to a pushed image, and its signature where there is a key.
 *
 * Errors: as `pushImage`; TOOL_FAILED of dpkg.
 */
export async function attest(
  { host, name }: Extract<OciReference, { kind: 'registry' }>,
  { manifest }: ComposedImage,
  packed: Packed,
  key: KeyObject | null,
  access: RegistryAccess,
): Promise<void> {
  const { bundle, image, commit, version } = packed;
  const { mediaType, digest, size } = manifest;
  const subject = { mediaType, digest, size };
  const repository = `${host}/${name}`;
  const components = await listComponents(packed, access.signal);
  const common = { name: repository, digest, components, createdAt: image.createdAt, version };
  const statement = writeProvenance({
    ...common,
    functionName: bundle.config.name,
    runtime: image.runtime,
    bundleId: bundle.id,
    imageId: image.id,
    commit,
  });
  const artifact = (type: string, content: object, annotations: Artifact['annotations'] = {}): Artifact => ({
    artifactType: type,
    mediaType: type,
    bytes: Buffer.from(JSON.stringify(content)),
    annotations,
  });
  const provenance =
    key === null
      ? artifact(types.statement, statement, predicateType)
      : artifact(types.envelope, signStatement(key, statement), predicateType);
  await pushArtifacts(
    { host, name },
    subject,
    [artifact(types.spdx, writeSpdx(common)), artifact(types.cycloneDx, writeCycloneDx(common)), provenance],
    access,
  );
  if (key === null) return;
  await pushForCosign({ host, name }, subject, signImage(key, repository, digest), access);
  const attestation = {
    kind: 'attestation',
    bytes: provenance.bytes,
    // The envelope has its signature itself.
    annotations: {
      'dev.cosignproject.cosign/signature': '',
      predicateType: predicateType['in-toto.io/predicate-type'],
    },
  } as const;
  await pushForCosign({ host, name }, subject, attestation, access);
}

async function listComponents(
  { bundle, image, parts, hostFiles, packagesDir, version }: Packed,
  signal?: AbortSignal,
): Promise<Component[]> {
  const own = { purl: null, license: null };
  const [npm, debian, digest] = await Promise.all([
    listNpmPackages(bundle),
    listDebianPackagesOnce(packagesDir, hostFiles, signal),
    digestFile(image.path),
  ]);
  return [
    { ...own, kind: 'application', name: bundle.config.name, version: bundle.id },
    {
      ...own,
      kind: 'operating-system',
      name: `${image.runtime}: bootable image of ${digest.bytes} bytes`,
      version: image.id,
      sha256: digest.sha256,
    },
    { ...own, kind: 'application', name: `firstlight (runtime ${image.runtime}, supervisor of pods)`, version },
    ...parts,
    ...npm,
    ...debian,
  ];
}
