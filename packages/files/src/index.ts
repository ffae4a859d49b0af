export { type ByteSource, createMemorySource, type FileSource, openFile } from './byte-source.ts';
export { createDirectoryStore, type DirectoryStore, type DirectoryStoreOptions } from './directory-store.ts';
export { createRawDisk, type Disk } from './disk.ts';
export { createFile, type DiskFile, rawDisk, writeFully } from './disk-file.ts';
export {
  createFileTree,
  type FileContent,
  type FileTree,
  type FileTreeBuilder,
  guestPath,
  type TreeNode,
} from './file-tree.ts';
export {
  FilesError,
  type FilesReason,
  readFailed,
  systemCode,
  undefinedIfMissing,
  writeFailed,
} from './files-error.ts';
export { describeDamage, FormatError, type FormatErrorDetails } from './format-error.ts';
export { mapInBatches } from './map-in-batches.ts';
export { createOwnedTemps, type OwnedTemps } from './owned-temps.ts';
export { isAlive, type ProcessIdentity, processOf, readBootId, thisProcess } from './process-identity.ts';
export { isTempName, namesIn, removeTemps, replaceFile, tempPathFor, type WriteFileOptions } from './temp-files.ts';
