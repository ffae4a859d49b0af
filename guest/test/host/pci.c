/* Virtio by PCI against a simulated device: one that is as it should be, and ones whose registers lead out of their memory. */
#include "../../dev/virtio-pci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "../../dev/pci.h"
#include "../../mm/pages.h"
#include "check.h"

#define DEVICE 0x800
#define BASE 0xfe000000
#define MEMORY 0x10000

enum { COMMON = 0x40, NOTIFY = 0x50, OWN = 0x64, MSIX = 0x74 };

/* The device's configuration space, and what is mapped of its memory: a block of its own size, so that writing past it is seen. */
static uint32_t space[64];
static uint8_t *memory, *msix;
static int is_mapped_wrong, is_enabled;
static jmp_buf panicked;
static char words[256];

_Noreturn void panic(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  longjmp(panicked, 1);
}
pci_address pci_find(uint16_t vendor, uint16_t device, uint16_t other) { return vendor == 0x1af4 && device == 0x1040 + VIRTIO_CONSOLE && other == 0x1003 ? DEVICE : 0; }
uint32_t pci_read(pci_address address, int offset) {
  if (address != DEVICE) abort();
  return space[(offset & 0xfc) / 4];
}
void pci_write(pci_address address, int offset, uint32_t value) {
  if (address != DEVICE) abort();
  space[(offset & 0xfc) / 4] = value;
}
uint64_t pci_memory(pci_address address, int bar) { return address == DEVICE && (bar == 1 || bar == 4) ? BASE + 0x100000 * (uint64_t)bar : 0; }
void pci_enable(pci_address address) { is_enabled = address == DEVICE; }
int pci_capabilities(pci_address address, struct pci_capability *found, int most) {
  static const uint8_t at[] = {COMMON, NOTIFY, OWN, MSIX};
  if (address != DEVICE || most < 4) abort();
  for (int i = 0; i < 4; i++) found[i] = (struct pci_capability){at[i], space[at[i] / 4]};
  return 4;
}
volatile void *pages_map_device(uint64_t physical, uint32_t length) {
  uint64_t bar = (physical - BASE) / 0x100000, at = (physical - BASE) % 0x100000;
  is_mapped_wrong |= physical < BASE || at + length > MEMORY;
  if (bar == 1) return msix + at;
  return memory + at;
}
uint64_t interrupt_message_address(void) { return 0xfee01000; }
uint32_t interrupt_message_data(void) { return 0x40; }

static void put(uint32_t at, uint32_t value, int bytes) { memcpy(memory + at, &value, bytes); }

/* A device whose registers lie at 0, its bells at 0x3000, as QEMU has it. */
static void reset(void) {
  memset(space, 0, sizeof space);
  memset(memory, 0, MEMORY);
  memset(msix, 0, MEMORY);
  space[COMMON / 4] = 1u << 24 | 9;
  space[COMMON / 4 + 1] = 4;
  space[NOTIFY / 4] = 2u << 24 | 9;
  space[NOTIFY / 4 + 1] = 4;
  space[NOTIFY / 4 + 2] = 0x3000;
  space[NOTIFY / 4 + 4] = 4;
  space[OWN / 4] = 4u << 24 | 9;
  space[OWN / 4 + 1] = 4;
  space[OWN / 4 + 2] = 0x2000;
  space[MSIX / 4] = 0x11;
  space[MSIX / 4 + 1] = 1;
  put(0x04, 1u << 2, 4);
  put(0x18, 64, 2);
}

static struct virtio_device device;
static struct virtq q;

static int is_in(const uint8_t *block, volatile uint16_t *bell) { return (uint8_t *)bell >= block && (uint8_t *)(bell + 1) <= block + MEMORY; }

/* 1 when the device opens, and its queue has a bell within its memory. */
static int is_taken(void) {
  words[0] = 0;
  is_mapped_wrong = is_enabled = 0;
  memset(&q, 0, sizeof q);
  if (setjmp(panicked)) return 0;
  return virtio_pci.open(&device, VIRTIO_CONSOLE, 1u << 2) && virtio_pci.queue(&device, &q, 3) && is_in(memory, q.notify);
}

static int is_refused(const char *wanted) { return !is_taken() && strstr(words, wanted) != 0 && !is_mapped_wrong; }

int main(void) {
  memory = malloc(MEMORY);
  msix = malloc(MEMORY);
  reset();
  put(0x1e, 3, 2);
  CHECK(is_taken() && (uint8_t *)q.notify == memory + 0x3000 + 12 && q.size == 64, "a device as QEMU has it is taken");
  CHECK(is_enabled && *(uint32_t *)msix == 0xfee01000 && msix[8] == 0x40 && space[MSIX / 4] >> 31, "and interrupts by its table");
  put(0x1e, (0xd000 - 2) / 4, 2);
  CHECK(is_taken(), "a bell may lie at the end of its memory");
  put(0x1e, 0xd000 / 4, 2);
  CHECK(is_refused("notify queue 3 lies at 0xd000"), "not behind it");
  put(0x1e, 0xffff, 2);
  space[NOTIFY / 4 + 4] = 0xffffffff;
  CHECK(is_refused("out of reach"), "nor far from it");
  space[NOTIFY / 4 + 4] = 0x10001;
  CHECK(is_refused("out of reach"), "nor where 32 bits would wrap");
  reset();
  space[NOTIFY / 4 + 4] = 0xffffffff;
  CHECK(is_taken(), "a multiplier of a queue at 0 does not matter");

  static const uint32_t offsets[] = {0xffc1, 0xffff, 0x10000, 0xfffffffc};
  for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
    reset();
    space[COMMON / 4 + 2] = offsets[i];
    CHECK(is_refused("out of reach"), "registers at 0x%x are refused", offsets[i]);
    reset();
    space[MSIX / 4 + 1] = ((offsets[i] + 0x38) & ~7u) | 1;
    if (offsets[i] != 0xfffffffc) CHECK(is_refused("MSI-X table lies at"), "so is a table of interrupts at 0x%x", space[MSIX / 4 + 1] & ~7u);
  }
  reset();
  space[MSIX / 4 + 1] = 7;
  CHECK(is_refused("MSI-X table has no address"), "and one in no BAR");

  int wrong = 0, taken = 0;
  for (int i = 0; i < 200000; i++) {
    reset();
    for (int count = rand() % 4; count > 0; count--) {
      uint32_t value = rand() % 2 ? rand() : (uint32_t)rand() * 3;
      if (rand() % 2) space[16 + rand() % 16] = value >> rand() % 32;
      else put((uint32_t[]){0x04, 0x14, 0x18, 0x1a, 0x1e}[rand() % 5] & ~1u, value, 2);
    }
    /* A status that never becomes zero is waited for. */
    put(0x14, 0, 2);
    taken += is_taken();
    wrong += is_mapped_wrong || (!words[0] && q.notify && !is_in(memory, q.notify) && !is_in(msix, q.notify));
  }
  CHECK(taken > 1000 && wrong == 0, "200,000 devices that say anything do no harm");
  return failures != 0;
}
