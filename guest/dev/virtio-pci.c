#include "virtio-pci.h"

#include "../boot/panic.h"
#include "../mm/pages.h"
#include "pci.h"
#include "timer.h"

#define VENDOR 0x1af4
#define CAP_COMMON 1
#define CAP_NOTIFY 2
#define CAP_DEVICE 4
#define PCI_VENDOR 0x09
#define PCI_MSIX 0x11
#define MSIX_ENABLE 0x80000000
#define MSIX_ENTRY_BYTES 16
#define CAPABILITIES_MOST 16
/* The number of bytes mapped from a memory region of the device. */
#define BAR_BYTES 0x10000
/* The most that is read behind the place to which a capability points. */
#define REGISTERS_BYTES 0x40

/* virtio_pci_common_cfg */
#define DEVICE_FEATURE_SELECT 0x00
#define DEVICE_FEATURE 0x04
#define DRIVER_FEATURE_SELECT 0x08
#define DRIVER_FEATURE 0x0c
#define DEVICE_STATUS 0x14
#define QUEUE_SELECT 0x16
#define QUEUE_SIZE 0x18
#define QUEUE_MSIX 0x1a
#define QUEUE_ENABLE 0x1c
#define QUEUE_NOTIFY 0x1e
#define QUEUE_DESC 0x20
#define QUEUE_DRIVER 0x28
#define QUEUE_DEVICE 0x30

static uint32_t read32(volatile uint8_t *at) { return *(volatile uint32_t *)at; }
static void write32(volatile uint8_t *at, uint32_t value) { *(volatile uint32_t *)at = value; }
static uint16_t read16(volatile uint8_t *at) { return *(volatile uint16_t *)at; }
static void write16(volatile uint8_t *at, uint16_t value) { *(volatile uint16_t *)at = value; }

struct device_memory {
  int bar;
  volatile uint8_t *at;
};

/* The addresses of a queue. All of them are below 4 GiB, and the upper halves have been zero since the reset. */
static void write_address(volatile uint8_t *at, const volatile void *pointer) { write32(at, (uint64_t)pointer); }

/* Routes all interrupts of the device through the first entry of its table. `cap`: the MSI-X capability. */
static void open_msix(pci_address pci, struct pci_capability cap) {
  uint32_t table = pci_read(pci, cap.offset + 4);
  uint64_t base = pci_memory(pci, table & 7);
  uint32_t offset = table & ~7u;
  if (!base) panic("the virtio device's MSI-X table has no address");
  if (offset > BAR_BYTES - MSIX_ENTRY_BYTES) panic("the virtio device's MSI-X table lies at 0x%x, out of reach", offset);
  volatile uint8_t *entry = pages_map_device(base + offset, MSIX_ENTRY_BYTES);
  /* Writing the table needs memory accesses. */
  pci_enable(pci);
  uint64_t address = interrupt_message_address();
  write32(entry, address);
  write32(entry + 4, address >> 32);
  write32(entry + 8, interrupt_message_data());
  write32(entry + 12, 0);
  pci_write(pci, cap.offset, (cap.word & 0x3fffffff) | MSIX_ENABLE);
}

/* The registers that a capability of the device points to. `base`: its memory, when an earlier capability had the same BAR. */
static volatile uint8_t *open_registers(pci_address pci, struct pci_capability cap, struct device_memory *memory) {
  int bar = pci_read(pci, cap.offset + 4) & 0xff;
  uint32_t offset = pci_read(pci, cap.offset + 8);
  if (bar > 5 || offset > BAR_BYTES - REGISTERS_BYTES || offset % 4 != 0)
    panic("the virtio device's registers lie at 0x%x of BAR %d, out of reach or unaligned", offset, bar);
  if (!memory->at || memory->bar != bar) {
    uint64_t base = pci_memory(pci, bar);
    if (!base) panic("the virtio device's memory has no address");
    *memory = (struct device_memory){bar, pages_map_device(base, BAR_BYTES)};
  }
  return memory->at + offset;
}

/* A transitional device has a number of its own kind. */
static pci_address find(uint16_t device_type) {
  return pci_find(VENDOR, 0x1040 + device_type, 0x1000 + device_type - (device_type <= VIRTIO_BLK));
}

static int has(uint16_t device_type) { return find(device_type) != 0; }

/* Finds the registers, and enables the device's interrupts. Each word of configuration space is read once: a read costs up to 80 us. */
static void find_registers(struct virtio_device *d, uint16_t device_type) {
  pci_address pci = find(device_type);
  if (!pci) panic("there is no virtio device of type %u", device_type);
  struct pci_capability caps[CAPABILITIES_MOST], msix = {0, 0};
  struct device_memory memory = {0, 0};
  int count = pci_capabilities(pci, caps, CAPABILITIES_MOST);
  for (int i = 0; i < count; i++) {
    uint8_t id = caps[i].word, type = caps[i].word >> 24;
    if (id == PCI_MSIX) msix = caps[i];
    if (id != PCI_VENDOR) continue;
    if (type == CAP_COMMON && !d->registers) d->registers = open_registers(pci, caps[i], &memory);
    if (type == CAP_NOTIFY && !d->notify) {
      d->notify = open_registers(pci, caps[i], &memory);
      d->notify_bytes = BAR_BYTES - (uint32_t)(d->notify - memory.at);
      d->notify_multiplier = pci_read(pci, caps[i].offset + 16);
    }
    /* The serial device's own registers are not read: finding them takes calls. */
    if (type == CAP_DEVICE && device_type <= VIRTIO_BLK && !d->config) d->config = open_registers(pci, caps[i], &memory);
  }
  if (!d->registers || !d->notify) panic("the virtio device has no modern interface");
  if (device_type <= VIRTIO_BLK && !d->config) panic("the virtio device of type %u has no registers of its own", device_type);
  if (!msix.offset) panic("the virtio device has no MSI-X");
  open_msix(pci, msix);
}

static int queue(struct virtio_device *d, struct virtq *q, uint16_t number) {
  write16(d->registers + QUEUE_SELECT, number);
  uint16_t size = read16(d->registers + QUEUE_SIZE);
  if (size == 0) return 0;
  q->number = number;
  q->size = size < QUEUE_MAX ? size : QUEUE_MAX;
  if (q->size != size) write16(d->registers + QUEUE_SIZE, q->size);
  write16(d->registers + QUEUE_MSIX, 0);
  if (read16(d->registers + QUEUE_MSIX) != 0) panic("the virtio device has no interrupt for queue %u", number);
  write_address(d->registers + QUEUE_DESC, q->desc);
  write_address(d->registers + QUEUE_DRIVER, &q->avail);
  write_address(d->registers + QUEUE_DEVICE, &q->used);
  uint64_t bell = (uint64_t)read16(d->registers + QUEUE_NOTIFY) * d->notify_multiplier;
  if (bell > d->notify_bytes - sizeof *q->notify || bell % sizeof *q->notify != 0)
    panic("the virtio device's register to notify queue %u lies at 0x%lx, out of reach or unaligned", number, bell);
  q->notify = (volatile uint16_t *)(d->notify + bell);
  write16(d->registers + QUEUE_ENABLE, 1);
  return 1;
}

static void start(struct virtio_device *d) {
  d->registers[DEVICE_STATUS] = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK;
}

static int open(struct virtio_device *d, uint16_t device_type, uint32_t wanted) {
  *d = (struct virtio_device){0};
  find_registers(d, device_type);
  /* Firmware may have used the device; usually it is unused. */
  if (d->registers[DEVICE_STATUS] != 0) {
    d->registers[DEVICE_STATUS] = 0;
    while (d->registers[DEVICE_STATUS] != 0) __asm__ volatile("pause");
  }
  d->registers[DEVICE_STATUS] = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER;
  write32(d->registers + DEVICE_FEATURE_SELECT, 0);
  if ((read32(d->registers + DEVICE_FEATURE) & wanted) != wanted) return 0;
  write32(d->registers + DRIVER_FEATURE_SELECT, 0);
  write32(d->registers + DRIVER_FEATURE, wanted);
  write32(d->registers + DRIVER_FEATURE_SELECT, 1);
  write32(d->registers + DRIVER_FEATURE, 1u << (VIRTIO_F_VERSION_1 - 32));
  d->registers[DEVICE_STATUS] = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK;
  return (d->registers[DEVICE_STATUS] & VIRTIO_FEATURES_OK) != 0;
}

const struct virtio_transport virtio_pci = {has, open, queue, start};
