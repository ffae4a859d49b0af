/* A disk that is read only: whole sectors of 512 bytes. */
#ifndef EMBER_VIRTIO_BLK_H
#define EMBER_VIRTIO_BLK_H

#include <stdint.h>

#define SECTOR_BYTES 512

/* The number of sectors of the first disk, which is opened by the first call; 0 when the machine has none. Panics for one that can be written. */
uint64_t virtio_blk_sectors(void);

/*
 * Reads whole sectors. Returns 1, or 0 for what lies outside the disk, and when the device says that it has failed. Panics when it does not
 * answer in time (patience.h).
 */
int virtio_blk_read(uint64_t sector, void *to, uint32_t bytes, uint64_t deadline_ns);

#endif
