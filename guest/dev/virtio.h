/* Virtio 1.0: split queues, and devices on either transport. Source: the Virtio 1.1 specification, sections 2.6, 4.1 and 4.2. */
#ifndef EMBER_VIRTIO_H
#define EMBER_VIRTIO_H

#include <stdint.h>

#define VIRTIO_F_VERSION_1 32
#define VIRTIO_ACKNOWLEDGE 1
#define VIRTIO_DRIVER 2
#define VIRTIO_DRIVER_OK 4
#define VIRTIO_FEATURES_OK 8
/* The number of a type of device. */
#define VIRTIO_NET 1
#define VIRTIO_BLK 2
#define VIRTIO_CONSOLE 3
#define VIRTIO_9P 9
#define VIRTIO_VSOCK 19
/* The queue size of QEMU's devices. */
#define QUEUE_MAX 128

struct virtio_device;
struct virtq;

/* How a machine's virtio devices are reached: the functions below, for PCI or for registers in memory. */
struct virtio_transport {
  int (*has)(uint16_t type);
  int (*open)(struct virtio_device *, uint16_t type, uint32_t wanted_low_features);
  int (*queue)(struct virtio_device *, struct virtq *, uint16_t number);
  void (*start)(struct virtio_device *);
};

struct virtio_device {
  volatile uint8_t *registers;
  /* The registers of this type of device; null where no driver reads them. */
  volatile uint8_t *config;
  /* Only PCI has it. */
  volatile uint8_t *notify;
  uint32_t notify_multiplier, notify_bytes;
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
  /* The register that notifies the device: 16 bits wide on PCI, 32 on virtio-mmio. One of them is null. */
  volatile uint16_t *notify;
  volatile uint32_t *notify_mmio;
  uint16_t number, size, seen;
  /* 1 for the first slot of each buffer that the device has. */
  uint8_t given[QUEUE_MAX];
} __attribute__((aligned(16)));

/* A piece of memory to send. */
struct iovec {
  const void *base;
  uint32_t length;
};

/* The transport of all devices of this machine; called once, before any device is opened. */
void virtio_use(const struct virtio_transport *);

/* 1 when the machine has a device of this type. */
int virtio_has(uint16_t type);

/*
 * Resets the first device of this type, and negotiates VERSION_1 and the wanted features. Returns 1, or 0 when the device lacks one of them;
 * panics when there is no such device.
 */
int virtio_open(struct virtio_device *, uint16_t type, uint32_t wanted_low_features);

/* Sets queue `number` up. Returns 1, or 0 when the device has no such queue. */
int virtio_queue(struct virtio_device *, struct virtq *, uint16_t number);

/* Tells the device that the driver is ready. */
void virtio_start(struct virtio_device *);

/* Gives the device one buffer to write into; `slot` names it and is below `size`. Call `virtq_kick` afterwards. */
void virtq_offer(struct virtq *, uint16_t slot, void *buffer, uint32_t length);

/* Sends pieces as one buffer, from slot 0 on. At most QUEUE_MAX pieces; the queue must be idle. */
void virtq_send(struct virtq *, const struct iovec *, int count);

/* Sends pieces as one buffer in the slots from `slot` on, which are below `size` and not in use. Call `virtq_kick` afterwards. */
void virtq_post(struct virtq *, uint16_t slot, const struct iovec *, int count);

/* Sends one piece, with others behind it for the device to write into, as one buffer from slot 0 on. The queue must be idle. */
void virtq_ask(struct virtq *, struct iovec question, const struct iovec *answers, int count);

/* 1 once the device has released the buffer of `virtq_ask`; `written`: the number of bytes that it says it has written. */
int virtq_answered(struct virtq *, uint32_t *written);

/* The first slot of the next buffer that the device has released, or -1. Panics when the device did not have it. */
int virtq_take(struct virtq *, uint32_t *length);

void virtq_kick(struct virtq *);

#endif
