#include "virtio-mmio.h"

#include "../boot/panic.h"
#include "../kernel/calls.h"
#include "../mm/pages.h"
#include "../rt/memory.h"
#include "registers.h"
#include "timer.h"

/* The registers of the transport, then those of the device: QEMU's room for both. */
#define REGISTERS_BYTES 0x200
#define MAGIC 0x74726976 /* "virt" */
#define VERSION 2

#define MAGIC_VALUE 0x00
#define DEVICE_VERSION 0x04
#define DEVICE_ID 0x08
#define DEVICE_FEATURES 0x10
#define DEVICE_FEATURES_SELECT 0x14
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
#define CONFIG 0x100

/* The address of a device, and the line of the I/O APIC for its interrupts. */
struct place {
  uint64_t address;
  uint32_t line;
  /* UNKNOWN until it is read. */
  uint32_t type;
};

#define UNKNOWN UINT32_MAX

static struct place places[MMIO_DEVICES_MOST];
static int count;

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
static int read_place(const char *at, const char *end, struct place *place) {
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
  place->type = UNKNOWN;
  /* An id of the device may follow. */
  return place->address % REGISTERS_BYTES == 0 && line <= UINT8_MAX && (at == end || *at == ':');
}

int virtio_mmio_find(const char *text, uint32_t bytes) {
  const char *end = text, *limit = text + bytes;
  count = 0;
  while (count < MMIO_DEVICES_MOST) {
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

static volatile uint8_t *registers_of(const struct place *place) { return pages_map_device(place->address, REGISTERS_BYTES); }

/* Each access is a VM exit, 25 us at worst: of a device that is not opened only the type is read, and once. */
static struct place *find(uint16_t type) {
  for (int i = 0; i < count; i++) {
    if (places[i].type == UNKNOWN) places[i].type = register_read(registers_of(&places[i]), DEVICE_ID);
    if (places[i].type == type) return &places[i];
  }
  return 0;
}

static int has(uint16_t type) { return find(type) != 0; }

static int open(struct virtio_device *d, uint16_t type, uint32_t wanted) {
  struct place *place = find(type);
  if (!place) panic("the command line names no virtio device of type %u", type);
  volatile uint8_t *r = registers_of(place);
  *d = (struct virtio_device){.registers = r, .config = r + CONFIG};
  if (register_read(r, MAGIC_VALUE) != MAGIC) panic("there is no virtio device at 0x%lx", place->address);
  uint32_t version = register_read(r, DEVICE_VERSION);
  if (version != VERSION) panic("the virtio device at 0x%lx has version %u of its interface; QEMU gives 2 with force-legacy=off", place->address, version);
  if (call_kernel(CALL_ROUTE_INTERRUPT, place->line, 0) == CALL_REFUSED) panic("the virtio device has the interrupt %u", place->line);
  interrupt_acknowledge_by((volatile uint32_t *)(r + INTERRUPT_ACKNOWLEDGE));
  /* Firmware may have used the device; usually it is unused. */
  if (register_read(r, STATUS) != 0) {
    register_write(r, STATUS, 0);
    while (register_read(r, STATUS) != 0) __asm__ volatile("pause");
  }
  /* Firecracker accepts one step at a time. */
  register_write(r, STATUS, VIRTIO_ACKNOWLEDGE);
  register_write(r, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
  if (wanted) {
    register_write(r, DEVICE_FEATURES_SELECT, 0);
    if ((register_read(r, DEVICE_FEATURES) & wanted) != wanted) return 0;
    register_write(r, DRIVER_FEATURES_SELECT, 0);
    register_write(r, DRIVER_FEATURES, wanted);
  }
  register_write(r, DRIVER_FEATURES_SELECT, 1);
  register_write(r, DRIVER_FEATURES, 1u << (VIRTIO_F_VERSION_1 - 32));
  register_write(r, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
  return (register_read(r, STATUS) & VIRTIO_FEATURES_OK) != 0;
}

/* The upper halves of addresses are not written, since the reset left them zero. */
static int queue(struct virtio_device *d, struct virtq *q, uint16_t number) {
  volatile uint8_t *r = d->registers;
  register_write(r, QUEUE_SELECT, number);
  uint32_t most = register_read(r, QUEUE_SIZE_MOST);
  if (most == 0) return 0;
  q->number = number;
  q->size = most < QUEUE_MAX ? most : QUEUE_MAX;
  q->notify_mmio = (volatile uint32_t *)(r + QUEUE_NOTIFY);
  register_write(r, QUEUE_SIZE, q->size);
  register_write(r, QUEUE_DESC, (uint64_t)q->desc);
  register_write(r, QUEUE_DRIVER, (uint64_t)&q->avail);
  register_write(r, QUEUE_DEVICE, (uint64_t)&q->used);
  register_write(r, QUEUE_READY, 1);
  return 1;
}

static void start(struct virtio_device *d) {
  register_write(d->registers, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

const struct virtio_transport virtio_mmio = {has, open, queue, start};
