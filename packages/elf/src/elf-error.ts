import { FormatError } from '@firstlight/files';

/**
 * The reason why an ELF file could not be read, or its libraries not be resolved.
 *
 * `not-elf`: it is a different kind of file; `invalid`: it is damaged; `wrong-machine`: it is for another processor;
 * `not-a-program`: an object or library; `too-many`: more files or libraries than any program has.
 */
export type ElfReason =
  | 'not-found'
  | 'not-a-file'
  | 'not-elf'
  | 'invalid'
  | 'wrong-machine'
  | 'not-a-program'
  | 'too-many';

export class ElfError extends FormatError<ElfReason> {
  override readonly name = 'ElfError';
}
