#include "pages.h"

#include "../boot/layout.h"
#include "../boot/panic.h"

#define LARGE 0x200000ull
#define ENTRY_RW 0x80000000000000e3ull
#define ENTRY_DEVICE 0x80000000000000fbull /* and cache disabled, write through */

extern uint64_t boot_pd[4 * 512];
extern uint64_t mmio_pd[512];

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

static uint64_t linear_limit;
static int device_slots;

void pages_init(uint32_t start_info) {
  const struct start_info *info = (const struct start_info *)(uint64_t)start_info;
  if (info->magic != 0x336ec578 || info->version < 1) panic("no PVH start info: magic 0x%x, version %u", info->magic, info->version);
  if (info->memmap >= LARGE) panic("the memory map lies at 0x%lx, out of reach", info->memmap);
  const struct memmap_entry *map = (const struct memmap_entry *)info->memmap;
  uint64_t end = 0;
  for (uint32_t i = 0; i < info->memmap_count; i++) {
    if (map[i].type == 1 && map[i].address <= EMBER_LINEAR_BASE && map[i].address + map[i].length > EMBER_LINEAR_BASE)
      end = map[i].address + map[i].length;
  }
  if (end == 0) panic("not enough memory: no RAM at 0x%x", EMBER_LINEAR_BASE);
  if (end > EMBER_LINEAR_END) end = EMBER_LINEAR_END;
  linear_limit = (end - EMBER_LINEAR_BASE) & ~(uint64_t)(EMBER_LINEAR_PAGE - 1);
  for (uint64_t at = EMBER_LINEAR_BASE; at < end; at += LARGE) boot_pd[at / LARGE] = at | ENTRY_RW;
  /* Firmware's memory is of no more use, and a null pointer must fault. */
  boot_pd[0] = 0;
  __asm__ volatile("invlpg (%0)" ::"r"(0) : "memory");
}

uint64_t pages_linear_limit(void) { return linear_limit; }

volatile void *pages_map_device(uint64_t physical, uint32_t length) {
  uint64_t base = physical & ~(LARGE - 1);
  int slots = physical + length > base + LARGE ? 2 : 1;
  if (device_slots + slots > 512) panic("no room to map a device");
  volatile uint8_t *at = (volatile uint8_t *)(EMBER_MMIO_BASE + device_slots * LARGE + (physical - base));
  for (int i = 0; i < slots; i++) mmio_pd[device_slots++] = (base + i * LARGE) | ENTRY_DEVICE;
  return at;
}
