/* The network card's driver against a simulated device: frames both ways, a full queue, and a device that lies. */
#include "../../dev/virtio-net.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include "../../dev/virtio.h"
#include "check.h"

static struct virtq *queues[2];
static uint8_t registers[8] = {1, 2, 3, 4, 5, 6, 0, 0};
static int kicks[2], has_card = 1;
static jmp_buf panicked;

_Noreturn void panic(const char *format, ...) {
  (void)format;
  longjmp(panicked, 1);
}
int virtio_has(uint16_t type) { return has_card && type == VIRTIO_NET; }
int virtio_open(struct virtio_device *d, uint16_t type, uint32_t wanted) {
  d->config = registers;
  return type == VIRTIO_NET && wanted == 1u << 5;
}
int virtio_queue(struct virtio_device *d, struct virtq *q, uint16_t number) {
  (void)d;
  q->size = 64;
  q->number = number;
  queues[number] = q;
  return 1;
}
void virtio_start(struct virtio_device *d) { (void)d; }

/* --- the queues of dev/virtio.c, and the device's side of them --- */

static uint16_t seen[2];
void virtq_offer(struct virtq *q, uint16_t slot, void *buffer, uint32_t length) {
  q->desc[slot] = (struct virtq_desc){(uint64_t)buffer, length, 2, 0};
  q->avail.ring[q->avail.index++ % q->size] = slot;
}
void virtq_post(struct virtq *q, uint16_t slot, const struct iovec *pieces, int count) {
  if (slot + count > q->size || count != 1) abort();
  q->desc[slot] = (struct virtq_desc){(uint64_t)pieces->base, pieces->length, 0, 0};
  q->avail.ring[q->avail.index++ % q->size] = slot;
}
int virtq_take(struct virtq *q, uint32_t *length) {
  if (q->used.index == q->seen) return -1;
  uint16_t at = q->seen++ % q->size;
  *length = q->used.ring[at].length;
  return q->used.ring[at].id;
}
void virtq_kick(struct virtq *q) { kicks[q->number]++; }

static void use(int number, uint32_t slot, uint32_t length) {
  struct virtq *q = queues[number];
  uint16_t at = q->used.index % q->size;
  q->used.ring[at].id = slot;
  q->used.ring[at].length = length;
  q->used.index++;
}

/* Lets a frame of this many bytes arrive, as the device reports it. Returns its slot, or -1 without a buffer. */
static int arrive(uint8_t byte, uint32_t bytes) {
  struct virtq *q = queues[0];
  if (seen[0] == q->avail.index) return -1;
  uint16_t slot = q->avail.ring[seen[0]++ % q->size];
  memset((void *)q->desc[slot].address, 0, 12);
  if (bytes <= 1514) memset((uint8_t *)q->desc[slot].address + 12, byte, bytes);
  use(0, slot, 12 + bytes);
  return slot;
}

int main(void) {
  const uint8_t *frame;
  has_card = 0;
  CHECK(virtio_net_init() == 0, "a machine without a card is no error");
  has_card = 1;
  CHECK(virtio_net_init() == 1 && memcmp(virtio_net_address(), "\1\2\3\4\5\6", 6) == 0, "the card says its address");
  CHECK(virtio_net_receive(&frame) == 0 && !virtio_net_has_frame(), "there is no frame before one arrives");
  arrive(7, 60);
  arrive(8, 1514);
  CHECK(virtio_net_has_frame() && virtio_net_receive(&frame) == 60 && frame[0] == 7 && frame[59] == 7, "a frame arrives");
  CHECK(virtio_net_receive(&frame) == 1514 && frame[1513] == 8, "and the longest one");
  arrive(1, 13);
  arrive(1, 1515);
  arrive(1, 0xffffffff);
  arrive(9, 14);
  CHECK(virtio_net_receive(&frame) == 14 && frame[0] == 9, "frames of wrong lengths are passed over");
  int whole = 1;
  for (int i = 0; i < 1000; i++) {
    if (arrive(i, 100) < 0) whole = 0;
    whole &= virtio_net_receive(&frame) == 100 && frame[0] == (uint8_t)i;
    virtio_net_flush();
  }
  CHECK(whole && kicks[0] < 100, "a thousand frames take a thousand buffers, with a notification for many at a time");

  int sent = 0;
  uint8_t *buffer;
  for (; (buffer = virtio_net_buffer()) && sent < 1000; sent++) {
    memset(buffer, sent, 60);
    virtio_net_send(60);
  }
  CHECK(sent == 64 && kicks[1] > 0, "a card that sends nothing gets no more than fits: the next frame is dropped");
  struct virtq_desc first = queues[1]->desc[queues[1]->avail.ring[0]];
  uint8_t header[12] = {0};
  CHECK(first.length == 72 && memcmp((void *)first.address, header, 12) == 0, "each frame has an empty header before it");
  use(1, 0, 0);
  CHECK(virtio_net_buffer() != 0, "a buffer that was sent can be filled again");
  use(1, 0, 0);
  use(1, 77, 0);
  use(1, 0xffff, 0);
  virtio_net_send(60);
  use(0, 64, 100);
  int has_panicked = setjmp(panicked);
  if (!has_panicked) virtio_net_receive(&frame);
  CHECK(has_panicked, "a device that fills a buffer which it was not given ends the guest");
  return 0;
}
