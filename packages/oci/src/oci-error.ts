import { FormatError } from '@firstlight/files';

/**
 * Why an image could not be read or pushed.
 *
 * `reference-invalid`: the text names no image; `not-found`; `ambiguous`: there are several, and none is named;
 * `wrong-platform`: there is none for linux/amd64; `unsupported`: a kind that is not read here; `invalid`: its documents
 * are no image's; `digest-mismatch`: its bytes are others than they should be; `registry-unreachable`, `registry-denied`;
 * `registry-refused`: it takes no images, or not this one.
 * What the layers themselves may be wrong in are errors of `@firstlight/tar`, failed reading and writing of `@firstlight/files`.
 */
export type OciReason =
  | 'reference-invalid'
  | 'not-found'
  | 'ambiguous'
  | 'wrong-platform'
  | 'unsupported'
  | 'invalid'
  | 'digest-mismatch'
  | 'registry-unreachable'
  | 'registry-denied'
  | 'registry-refused';

export class OciError extends FormatError<OciReason> {
  override readonly name = 'OciError';
}
