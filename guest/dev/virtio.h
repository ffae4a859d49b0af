/* Virtio 1.0 over PCI: feature negotiation and split queues. Written from the Virtio 1.1 specification, sections 2.6 and 4.1. */
#ifndef EMBER_VIRTIO_H
#define EMBER_VIRTIO_H

#include <stdint.h>
#include "pci.h"

#define VIRTIO_F_VERSION_1 32
/* As many as QEMU's devices have. */
#define QUEUE_MAX 128

struct virtio_device {
  pci_address pci;
  volatile uint8_t *common, *notify;
  uint32_t notify_multiplier;
};

struct virtq_desc {
  uint64_t address;
  uint32_t length;
  uint16_t flags, next;
};

struct virtq {
  struct virtq_desc desc[QUEUE_MAX];
  struct {
    uint16_t flags, index, ring[QUEUE_MAX];
  } avail;
  struct {
    volatile uint16_t flags, index;
    volatile struct {
      uint32_t id, length;
    } ring[QUEUE_MAX];
  } used __attribute__((aligned(16)));
  volatile uint16_t *notify;
  uint16_t number, size, seen;
} __attribute__((aligned(16)));

/* A piece of memory to send. */
struct iovec {
  const void *base;
  uint32_t length;
};

/* Finds and resets the device, and agrees on VERSION_1 and the wanted features. 1, or 0 when it refuses; panics when it is not there. */
int virtio_open(struct virtio_device *, uint16_t device_type, uint32_t wanted_low_features);

/* Sets queue `number` up. 1, or 0 when the device has no such queue. */
int virtio_queue(struct virtio_device *, struct virtq *, uint16_t number);

/* Tells the device that the driver is ready. */
void virtio_start(struct virtio_device *);

/* Gives the device one buffer to write into; `slot` names it and is below `size`. Call `virtq_kick` afterwards. */
void virtq_offer(struct virtq *, uint16_t slot, void *buffer, uint32_t length);

/* Sends pieces as one buffer, from slot 0 on. At most QUEUE_MAX pieces; the queue must be idle. */
void virtq_send(struct virtq *, const struct iovec *, int count);

/* Sends one buffer; `slot` names it, is below `size`, and is not in use. Call `virtq_kick` afterwards. */
void virtq_post(struct virtq *, uint16_t slot, const void *buffer, uint32_t length);

/* The slot of the next buffer that the device is done with, or -1. */
int virtq_take(struct virtq *, uint32_t *length);

void virtq_kick(struct virtq *);

#endif
