#include "virtio.h"

#include "../boot/panic.h"

#define DESC_NEXT 1
#define DESC_WRITE 2

static const struct virtio_transport *transport;

void virtio_use(const struct virtio_transport *used) { transport = used; }

int virtio_has(uint16_t type) { return transport->has(type); }

int virtio_open(struct virtio_device *d, uint16_t type, uint32_t wanted) { return transport->open(d, type, wanted); }

int virtio_queue(struct virtio_device *d, struct virtq *q, uint16_t number) { return transport->queue(d, q, number); }

void virtio_start(struct virtio_device *d) { transport->start(d); }

static void publish(struct virtq *q, uint16_t slot) {
  q->given[slot] = 1;
  q->avail.ring[q->avail.index % q->size] = slot;
  /* The device must see the entry before the index; x86 keeps stores in order, and the compiler must too. */
  __asm__ volatile("" ::: "memory");
  *(volatile uint16_t *)&q->avail.index = q->avail.index + 1;
}

void virtq_offer(struct virtq *q, uint16_t slot, void *buffer, uint32_t length) {
  q->desc[slot] = (struct virtq_desc){(uint64_t)buffer, length, DESC_WRITE, 0};
  publish(q, slot);
}

void virtq_post(struct virtq *q, uint16_t slot, const struct iovec *pieces, int count) {
  for (int i = 0; i < count; i++) {
    uint16_t flags = i + 1 < count ? DESC_NEXT : 0;
    q->desc[slot + i] = (struct virtq_desc){(uint64_t)pieces[i].base, pieces[i].length, flags, slot + i + 1};
  }
  publish(q, slot);
}

void virtq_send(struct virtq *q, const struct iovec *pieces, int count) {
  virtq_post(q, 0, pieces, count);
  virtq_kick(q);
}

int virtq_take(struct virtq *q, uint32_t *length) {
  if (q->used.index == q->seen) return -1;
  __asm__ volatile("" ::: "memory");
  uint16_t at = q->seen++ % q->size;
  *length = q->used.ring[at].length;
  uint32_t slot = q->used.ring[at].id;
  if (slot >= q->size) panic("the virtio device used descriptor %u of %u", slot, q->size);
  if (!q->given[slot]) panic("the virtio device used descriptor %u, which it was not given", slot);
  q->given[slot] = 0;
  if (*length > q->desc[slot].length) panic("the virtio device wrote %u bytes into a buffer of %u", *length, q->desc[slot].length);
  return slot;
}

void virtq_ask(struct virtq *q, struct iovec question, const struct iovec *answers, int count) {
  q->desc[0] = (struct virtq_desc){(uint64_t)question.base, question.length, DESC_NEXT, 1};
  for (int i = 0; i < count; i++) {
    uint16_t flags = i + 1 < count ? DESC_WRITE | DESC_NEXT : DESC_WRITE;
    q->desc[1 + i] = (struct virtq_desc){(uint64_t)answers[i].base, answers[i].length, flags, i + 2};
  }
  publish(q, 0);
  virtq_kick(q);
}

int virtq_answered(struct virtq *q, uint32_t *written) {
  if (q->used.index == q->seen) return 0;
  __asm__ volatile("" ::: "memory");
  uint16_t at = q->seen++ % q->size;
  *written = q->used.ring[at].length;
  if (q->used.ring[at].id != 0) panic("the virtio device used descriptor %u, which it was not given", q->used.ring[at].id);
  return 1;
}

void virtq_kick(struct virtq *q) {
  __asm__ volatile("mfence" ::: "memory");
  if (q->notify_mmio) *q->notify_mmio = q->number;
  else *q->notify = q->number;
}
