#include "virtio-mmio.h"

#include "../boot/panic.h"
#include "../kernel/calls.h"
#include "../mm/pages.h"
#include "../rt/memory.h"
#include "timer.h"

#define REGISTERS_BYTES 0x1000
#define MAGIC 0x74726976 /* "virt" */
#define VERSION 2

#define MAGIC_VALUE 0x00
#define DEVICE_VERSION 0x04
#define DEVICE_ID 0x08
#define DRIVER_FEATURES 0x20
#define DRIVER_FEATURES_SELECT 0x24
#define QUEUE_SELECT 0x30
#define QUEUE_SIZE_MOST 0x34
#define QUEUE_SIZE 0x38
#define QUEUE_READY 0x44
#define QUEUE_NOTIFY 0x50
#define INTERRUPT_ACKNOWLEDGE 0x64
#define STATUS 0x70
#define QUEUE_DESC 0x80
#define QUEUE_DRIVER 0x90
#define QUEUE_DEVICE 0xa0

static const char option[] = "virtio_mmio.device=";

/* Reads a number and moves past it: 0x and hexadecimal, or decimal. Stops at 2^60, long before it could overflow. */
static uint64_t read_number(const char **at, const char *end) {
  const char *p = *at;
  uint64_t value = 0, base = 10;
  if (end - p > 2 && p[0] == '0' && p[1] == 'x') {
    base = 16;
    p += 2;
  }
  for (; p < end && value < 1ull << 60; p++) {
    uint64_t digit = *p >= '0' && *p <= '9' ? *p - '0' : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10 : 16;
    if (digit >= base) break;
    value = value * base + digit;
  }
  *at = p;
  return value;
}

/* Reads one word of the command line, after the option's name. Returns 1, or 0 when it is malformed. */
static int read_place(const char *at, const char *end, struct mmio_place *place) {
  uint64_t size = read_number(&at, end);
  if (at < end && *at == 'K') {
    size *= 1024;
    at++;
  }
  if (size < REGISTERS_BYTES || at == end || *at++ != '@') return 0;
  place->address = read_number(&at, end);
  if (at == end || *at++ != ':') return 0;
  uint64_t line = read_number(&at, end);
  place->line = line;
  /* An id of the device may follow. */
  return place->address % REGISTERS_BYTES == 0 && line <= UINT8_MAX && (at == end || *at == ':');
}

int mmio_places(const char *text, uint32_t bytes, struct mmio_place *places, int most) {
  const char *end = text, *limit = text + bytes;
  int count = 0;
  while (count < most) {
    while (end < limit && *end == ' ') end++;
    const char *word = end;
    while (end < limit && *end != ' ' && *end != 0) end++;
    if (end == word) break;
    size_t name = sizeof option - 1;
    if ((size_t)(end - word) <= name || memcmp(word, option, name) != 0) continue;
    count += read_place(word + name, end, &places[count]);
  }
  return count;
}

static uint32_t read(struct virtio_device *d, uint32_t reg) { return *(volatile uint32_t *)(d->registers + reg); }
static void write(struct virtio_device *d, uint32_t reg, uint32_t value) { *(volatile uint32_t *)(d->registers + reg) = value; }

/* Each access is a VM exit, 25 us at worst: the upper halves of addresses are not written, since the reset left them zero. */
static int queue(struct virtio_device *d, struct virtq *q, uint16_t number) {
  write(d, QUEUE_SELECT, number);
  uint32_t most = read(d, QUEUE_SIZE_MOST);
  if (most == 0) return 0;
  q->number = number;
  q->size = most < QUEUE_MAX ? most : QUEUE_MAX;
  q->notify_mmio = (volatile uint32_t *)(d->registers + QUEUE_NOTIFY);
  write(d, QUEUE_SIZE, q->size);
  write(d, QUEUE_DESC, (uint64_t)q->desc);
  write(d, QUEUE_DRIVER, (uint64_t)&q->avail);
  write(d, QUEUE_DEVICE, (uint64_t)&q->used);
  write(d, QUEUE_READY, 1);
  return 1;
}

static void start(struct virtio_device *d) {
  write(d, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

static const struct virtio_transport transport = {queue, start};

int virtio_mmio_open(struct virtio_device *d, struct mmio_place place, uint32_t device_type) {
  *d = (struct virtio_device){.transport = &transport, .registers = pages_map_device(place.address, REGISTERS_BYTES)};
  if (read(d, MAGIC_VALUE) != MAGIC || read(d, DEVICE_VERSION) != VERSION) panic("there is no virtio device at 0x%lx", place.address);
  if (read(d, DEVICE_ID) != device_type) return 0;
  if (call_kernel(CALL_ROUTE_INTERRUPT, place.line, 0) == CALL_REFUSED) panic("the virtio device has the interrupt %u", place.line);
  interrupt_acknowledge_by((volatile uint32_t *)(d->registers + INTERRUPT_ACKNOWLEDGE));
  /* No earlier code could have used the device: it is in its reset state. Firecracker accepts one step at a time. */
  write(d, STATUS, VIRTIO_ACKNOWLEDGE);
  write(d, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
  write(d, DRIVER_FEATURES_SELECT, 1);
  write(d, DRIVER_FEATURES, 1u << (VIRTIO_F_VERSION_1 - 32));
  write(d, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
  if (!(read(d, STATUS) & VIRTIO_FEATURES_OK)) panic("the virtio device at 0x%lx is older than version 1", place.address);
  return 1;
}
