import { FormatError } from '@firstlight/files';

/**
 * The reason why an image could not be read or pushed.
 *
 * `reference-invalid`: the text does not name an image; `not-found`; `ambiguous`: there are several, and none is named;
 * `wrong-platform`: there is none for linux/amd64; `unsupported`: an unsupported kind; `invalid`: its documents are
 * invalid; `digest-mismatch`: its bytes do not match the digest; `registry-unreachable`, `registry-denied`;
 * `registry-refused`: the registry does not accept images, or not this one; `registry-busy`: it has been asked too often.
 * Faults in the layers are errors of `@firstlight/tar`, failed reads and writes of `@firstlight/files`.
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
  | 'registry-refused'
  | 'registry-busy';

export class OciError extends FormatError<OciReason> {
  override readonly name = 'OciError';
}
