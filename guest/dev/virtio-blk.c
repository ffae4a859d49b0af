#include "virtio-blk.h"

#include "patience.h"

#define F_READ_ONLY 5
#define REQUEST_READ 0
#define STATUS_OK 0
/* What the device writes; a status that it leaves alone is none. */
#define STATUS_NONE 0xff
/* The most for one request. */
#define BYTES_MOST (1u << 20)

static struct virtio_device device;
static struct virtq queue;
static uint64_t sectors;
static int is_open;

/* Source: the Virtio 1.1 specification, section 5.2.6. */
static struct {
  uint32_t type, reserved;
  uint64_t sector;
} request;
static volatile uint8_t status;

static void open_disk(void) {
  is_open = 1;
  if (!virtio_has(VIRTIO_BLK)) return;
  if (!virtio_open(&device, VIRTIO_BLK, 1u << F_READ_ONLY)) panic("the disk of assets can be written");
  if (!virtio_queue(&device, &queue, 0) || queue.size < 3) panic("the disk of assets has no queue");
  sectors = *(volatile uint32_t *)device.config | (uint64_t)*(volatile uint32_t *)(device.config + 4) << 32;
  virtio_start(&device);
}

uint64_t virtio_blk_sectors(void) {
  if (!is_open) open_disk();
  return sectors;
}

static int read_piece(uint64_t sector, void *to, uint32_t bytes, uint64_t deadline_ns) {
  request.type = REQUEST_READ;
  request.sector = sector;
  status = STATUS_NONE;
  const struct iovec answers[] = {{to, bytes}, {(const void *)&status, 1}};
  virtq_ask(&queue, (struct iovec){&request, sizeof request}, answers, 2);
  uint32_t written = virtq_await(&queue, deadline_ns, "the disk of assets");
  /* It counts what it has written, and one byte for the status. */
  return status == STATUS_OK && written == bytes + 1;
}

int virtio_blk_read(uint64_t sector, void *to, uint32_t bytes, uint64_t deadline_ns) {
  uint64_t all = virtio_blk_sectors();
  if (bytes == 0 || bytes % SECTOR_BYTES != 0 || sector > all || bytes / SECTOR_BYTES > all - sector) return 0;
  for (uint32_t done = 0; done < bytes;) {
    uint32_t take = bytes - done < BYTES_MOST ? bytes - done : BYTES_MOST;
    if (!read_piece(sector + done / SECTOR_BYTES, (uint8_t *)to + done, take, deadline_ns)) return 0;
    done += take;
  }
  return 1;
}
