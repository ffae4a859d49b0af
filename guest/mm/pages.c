#include "pages.h"

#include "../boot/layout.h"
#include "../boot/panic.h"
#include "../kernel/calls.h"

/* First word of hvm_start_info: "xEn3". */
#define START_INFO_MAGIC 0x336ec578
#define RAM 1

/* hvm_start_info and hvm_memmap_table_entry of the PVH boot protocol, version 1. */
struct start_info {
  uint32_t magic, version, flags, module_count;
  uint64_t modules, command_line, rsdp, memmap;
  uint32_t memmap_count, reserved;
};

struct memmap_entry {
  uint64_t address, length;
  uint32_t type, reserved;
};

/* The length limit of a VMM's command line; bytes after it are not read. */
#define COMMAND_LINE_BYTES 4096

static uint64_t linear_limit;
static uint64_t command_line;
/* Mapped pages above 4 GiB, by slot of the device window's second half. */
static uint64_t high_pages[EMBER_DEVICE_SLOTS];
static int high_count;

/* The firmware's data at a physical address; panics when the address is outside the window. */
static const void *firmware_memory(uint64_t physical, uint64_t length) {
  if (physical >= EMBER_LARGE_PAGE || length > EMBER_LARGE_PAGE - physical) panic("firmware's data lies at 0x%lx, out of reach", physical);
  return (const void *)(EMBER_LOW_WINDOW + physical);
}

void pages_init(uint32_t start_info) {
  const struct start_info *info = firmware_memory(start_info, sizeof *info);
  if (info->magic != START_INFO_MAGIC || info->version < 1) panic("no PVH start info: magic 0x%x, version %u", info->magic, info->version);
  command_line = info->command_line;
  const struct memmap_entry *map = firmware_memory(info->memmap, info->memmap_count * (uint64_t)sizeof *map);
  uint64_t end = 0;
  for (uint32_t i = 0; i < info->memmap_count; i++) {
    if (map[i].type == RAM && map[i].address <= EMBER_LINEAR_BASE && map[i].address + map[i].length > EMBER_LINEAR_BASE)
      end = map[i].address + map[i].length;
  }
  if (end == 0) panic("not enough memory: no RAM at 0x%x", EMBER_LINEAR_BASE);
  if (end > EMBER_LINEAR_END) end = EMBER_LINEAR_END;
  linear_limit = (end - EMBER_LINEAR_BASE) & ~(uint64_t)(EMBER_LINEAR_PAGE - 1);
  call_kernel(CALL_SET_MEMORY_END, (end + EMBER_LARGE_PAGE - 1) & ~(uint64_t)(EMBER_LARGE_PAGE - 1), 0);
}

uint64_t pages_linear_limit(void) { return linear_limit; }

const char *pages_command_line(uint32_t *bytes) {
  if (command_line == 0 || command_line >= EMBER_LARGE_PAGE) return 0;
  uint64_t left = EMBER_LARGE_PAGE - command_line;
  *bytes = left < COMMAND_LINE_BYTES ? left : COMMAND_LINE_BYTES;
  return (const char *)(EMBER_LOW_WINDOW + command_line);
}

static uint64_t map_high_page(uint64_t physical) {
  for (int i = 0; i < high_count; i++) {
    if (high_pages[i] == physical) return EMBER_DEVICE_WINDOW + (uint64_t)(EMBER_FIRST_FREE_SLOT + i) * EMBER_LARGE_PAGE;
  }
  uint64_t at = call_kernel(CALL_MAP_DEVICE, physical, 0);
  if (at == CALL_REFUSED) panic("the device memory at 0x%lx cannot be mapped", physical);
  high_pages[high_count++] = physical;
  return at;
}

volatile void *pages_map_device(uint64_t physical, uint32_t length) {
  if (length > EMBER_LARGE_PAGE) panic("device memory of %u bytes", length);
  /* A device smaller than `length` may lie at the window's end; the pages after that are absent. */
  if (physical >= EMBER_DEVICES_START && physical < EMBER_DEVICES_END)
    return (volatile void *)(EMBER_DEVICE_WINDOW + (physical - EMBER_DEVICES_START));
  if (physical >= EMBER_MMIO_START && physical < EMBER_MMIO_START + EMBER_LARGE_PAGE && length <= EMBER_MMIO_START + EMBER_LARGE_PAGE - physical)
    return (volatile void *)(EMBER_MMIO_WINDOW + (physical - EMBER_MMIO_START));
  if (physical >> 32 == 0) panic("the device memory at 0x%lx is not a device's", physical);
  uint64_t base = physical & ~(uint64_t)(EMBER_LARGE_PAGE - 1), last = (physical + length - 1) & ~(uint64_t)(EMBER_LARGE_PAGE - 1);
  uint64_t at = map_high_page(base);
  /* The next page is mapped directly after the first, unless the first was mapped earlier and another page followed it. */
  if (last != base && map_high_page(last) != at + EMBER_LARGE_PAGE) panic("the device memory at 0x%lx cannot be mapped in one piece", physical);
  return (volatile void *)(at + (physical - base));
}
