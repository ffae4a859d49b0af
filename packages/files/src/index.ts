export { type ByteSource, createMemorySource, type FileSource, openFile } from './byte-source.ts';
export { createRawDisk, type Disk } from './disk.ts';
export { createFile, type DiskFile, rawDisk, writeFully } from './disk-file.ts';
export { createFileTree, type FileTree, type FileTreeBuilder, guestPath, type TreeNode } from './file-tree.ts';
export { imageInvalid } from './image-invalid.ts';
export { mapInBatches } from './map-in-batches.ts';
