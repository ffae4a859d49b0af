export { maxWaitMs, parseRetryAfter } from './ask-patiently.ts';
export { type BlobCache, type BlobCacheOptions, createBlobCache, type Layer } from './blob-cache.ts';
export { chooseManifest } from './choose-manifest.ts';
export { readHead } from './file-source.ts';
export type { LayerSource } from './image-parts.ts';
export { type ImageConfig, parseImageConfig, parseManifest, parseSavedImages } from './manifest.ts';
export { OciError, type OciReason } from './oci-error.ts';
export { type LayerProgress, type OpenedImage, type OpenImageOptions, openImage } from './open-image.ts';
export {
  type Artifact,
  type CosignDocument,
  pushArtifacts,
  pushForCosign,
  type Subject,
} from './push/push-artifact.ts';
export type { BlobOutcome } from './push/push-blob.ts';
export { type Pushed, type PushOptions, type PushProgress, pushImage } from './push/push-image.ts';
export type { RegistryAccess } from './push/session.ts';
export { formatReference, looksLikeReference, type OciReference, parseReference } from './reference.ts';
export {
  type AllowedTokenService,
  type Credentials,
  findCredentials,
  makeCredentials,
  parseChallenge,
} from './registry-auth.ts';
export { digestOf } from './verify.ts';
export { type Blob, blobPath, type LayerBlob, writeBlob, writeLayer } from './write/blob.ts';
export { type ComposedImage, type ContainerSettings, composeImage, type ImageParts } from './write/compose.ts';
export { addToLayout } from './write/layout.ts';
