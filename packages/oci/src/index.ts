export { createBlobCache } from './blob-cache.ts';
export { chooseManifest } from './choose-manifest.ts';
export { readHead } from './file-source.ts';
export { parseImageConfig, parseManifest, parseSavedImages } from './manifest.ts';
export { type OpenImageOptions, openOciImage } from './open-oci-image.ts';
export { formatReference, looksLikeReference, parseReference } from './reference.ts';
export { parseChallenge } from './registry-auth.ts';
export { makeRunSpec } from './run-spec.ts';
export { digestOf } from './verify.ts';
