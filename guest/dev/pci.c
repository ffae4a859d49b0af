#include "pci.h"

#include "../kernel/calls.h"

#define COMMAND 0x04
#define COMMAND_MEMORY 2
#define COMMAND_MASTER 4
#define HEADER_TYPE 0x0c /* byte 2 of this word */
#define CAPABILITIES 0x34
#define BRIDGE_BUSES 0x18
#define BRIDGE_MEMORY 0x20

/* On pc and q35 alike: below the APICs, above the configuration window that q35's firmware may place at 0xb0000000 to 0xc0000000. */
#define HOLE_START 0xf0000000u
#define HOLE_END 0xfeb00000u
#define BRIDGE_WINDOW 0x200000u
/* The space that each BAR gets, so that its size is not read: two fit a bridge's window, and virtio's are 4 and 16 KiB. */
#define BAR_ROOM 0x100000u
/* The slots of pc's own chipset. */
#define CHIPSET_SLOTS 2

static uint32_t hole_next = HOLE_START;
static uint8_t last_bus;

uint32_t pci_read(pci_address address, int offset) { return call_kernel(CALL_PCI_READ, address | (offset & 0xfc), 0); }

void pci_write(pci_address address, int offset, uint32_t value) { call_kernel(CALL_PCI_WRITE, address | (offset & 0xfc), value); }

static uint32_t hole_take(uint32_t size) {
  uint32_t at = (hole_next + size - 1) & ~(size - 1);
  if (size == 0 || at < hole_next || at > HOLE_END - size) return 0;
  hole_next = at + size;
  return at;
}

/* The bus numbers of a bridge: its own bus, the bus behind it, and the last bus behind that. */
static void set_buses(pci_address bridge, uint32_t bus, uint32_t behind, uint32_t last) {
  pci_write(bridge, BRIDGE_BUSES, last << 16 | behind << 8 | bus);
}

/* Enables memory accesses through a bridge, to 2 MiB of the hole, unless firmware has done so. */
static void open_bridge(pci_address bridge) {
  uint32_t command = pci_read(bridge, COMMAND) & 0xffff;
  if (command & COMMAND_MEMORY) return;
  uint32_t window = hole_take(BRIDGE_WINDOW);
  if (window == 0) return;
  pci_write(bridge, BRIDGE_MEMORY, ((window + BRIDGE_WINDOW - 1) & 0xfff00000) | window >> 16);
  pci_write(bridge, COMMAND, command | COMMAND_MEMORY | COMMAND_MASTER);
  /* The next range, the device's own memory or the window of the bridge before this one, has to lie in or around it. */
  hole_next = window;
}

static pci_address find_on(uint8_t bus, uint16_t vendor, uint16_t device, uint16_t other_device, int depth) {
  for (uint32_t i = 0; i < 32; i++) {
    /* On bus 0 the chipset's own functions come last: each word read costs a call, and a device is usually the first one behind them. */
    uint32_t slot = bus == 0 ? (i + CHIPSET_SLOTS) % 32 : i, functions = 1;
    for (uint32_t function = 0; function < functions; function++) {
      pci_address at = (uint32_t)bus << 16 | slot << 11 | function << 8;
      uint32_t id = pci_read(at, 0);
      if ((id & 0xffff) == 0xffff) continue;
      if (id == (vendor | (uint32_t)device << 16) || id == (vendor | (uint32_t)other_device << 16)) return at;
      uint32_t header = pci_read(at, HEADER_TYPE) >> 16;
      if (header & 0x80) functions = 8;
      if ((header & 0x7f) != 1 || depth >= 4) continue;
      uint8_t behind = pci_read(at, BRIDGE_BUSES) >> 8;
      int numbered = behind != 0;
      if (behind > last_bus) last_bus = behind;
      /* qboot assigns no bus numbers. All further numbers go behind this bridge, as there may be bridges behind it. */
      if (!numbered) set_buses(at, bus, behind = ++last_bus, 0xff);
      pci_address found = find_on(behind, vendor, device, other_device, depth + 1);
      if (found) {
        /* Opens only the bridges on the path to the device: the others stay closed, and windows never overlap. */
        open_bridge(at);
        return found;
      }
      if (!numbered) set_buses(at, bus, behind, last_bus);
    }
  }
  return 0;
}

pci_address pci_find(uint16_t vendor, uint16_t device, uint16_t other_device) {
  return find_on(0, vendor, device, other_device, 0);
}

uint64_t pci_memory(pci_address address, int bar) {
  if (bar > 5) return 0;
  int offset = 0x10 + bar * 4;
  uint32_t low = pci_read(address, offset);
  if (low & 1) return 0;
  int wide = (low & 6) == 4;
  uint64_t base = low & ~0xfu;
  if (wide) base |= (uint64_t)pci_read(address, offset + 4) << 32;
  if (base) return base;
  base = hole_take(BAR_ROOM);
  pci_write(address, offset, base);
  /* A BAR that is larger keeps only the upper bits. */
  return (pci_read(address, offset) & ~0xfu) == base ? base : 0;
}

void pci_enable(pci_address address) { pci_write(address, COMMAND, COMMAND_MEMORY | COMMAND_MASTER); }

int pci_capabilities(pci_address address, struct pci_capability *found, int most) {
  int count = 0;
  uint8_t at = pci_read(address, CAPABILITIES);
  for (; at >= 0x40 && count < most; count++) {
    uint32_t word = pci_read(address, at);
    found[count] = (struct pci_capability){at, word};
    at = word >> 8;
  }
  return count;
}
