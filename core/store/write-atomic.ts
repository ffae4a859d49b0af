import { replaceFile, type WriteFileOptions } from '@firstlight/files';
import { toFileError, toStoreError } from './store-error.ts';

export { isTempName, namesIn, removeTemps, tempPathFor, undefinedIfMissing } from '@firstlight/files';

export interface WriteOptions extends WriteFileOptions {
  /** True for a person's own file, whose place no setting of ours changes. Default: false. */
  readonly foreign?: boolean;
}

/**
 * Writes a file so that every reader, also after a kill or a power cut, finds the old content or the new one, whole.
 *
 * Errors: DISK_FULL, STORE_UNUSABLE; the old content then stays.
 */
export async function writeAtomic(
  path: string,
  data: string | Uint8Array,
  { foreign = false, ...options }: WriteOptions = {},
): Promise<void> {
  await replaceFile(path, data, options).catch((thrown: unknown) => {
    throw foreign ? toFileError(thrown, 'write', path) : toStoreError(thrown, 'write', path);
  });
}
