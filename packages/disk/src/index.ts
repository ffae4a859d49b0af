export { bootMarker } from './boot-marker.ts';
export { bootFsAt, rootFsAt } from './mbr.ts';
export { openDisk, openSource } from './open-disk.ts';
export { hasPartitions, type Partition, readPartitions } from './partitions.ts';
export { writeOverlay } from './qcow2.ts';
export { createQcow2Disk } from './read-qcow2.ts';
export { readQcow2Header } from './read-qcow2-header.ts';
export { writeDerived } from './write-derived.ts';
export { type BootParts, type DiskLayout, diskLayoutSchema, writeDisk } from './write-disk.ts';
