/* Ring 0's calls with any arguments: they change only the allowed state. */
#include "fake-cpu.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include "../../kernel/kernel.h"
#include "check.h"

#define ROUNDS 2000000
#define CODE_PORTS 0x600

/* Guarded on both sides: the sanitizer checks the ends, the fuzz test below checks the values. */
uint64_t kernel_page_directory[2048], kernel_device_directory[512];

static uint64_t msr = 0xfee00900;
static uint64_t msr_writes[4];
static int msr_count, halts, forgotten, ports_wrong, apic_wrong, ioapic_wrong;
static uint32_t apic[1024], ioapic[64], pci_address;
static uint16_t last_word;
static uint8_t rtc_register;
static jmp_buf powered_off;

static int is_serial(uint16_t port) { return port >= 0x3f8 && port <= 0x3ff; }
void outb(uint16_t port, uint8_t value) {
  ports_wrong += !is_serial(port) && !(port == 0x64 && value == 0xfe) && !(port == 0x70 && value < 14);
  if (port == 0x70) rtc_register = value;
}
void outw(uint16_t port, uint16_t value) { ports_wrong += port != CODE_PORTS + 4; last_word = value; }
void outl(uint16_t port, uint32_t value) {
  ports_wrong += port != 0xcf8 && port != 0xcfc;
  if (port == 0xcf8) pci_address = value;
  /* Bit 31 enables, the bits above the bus and the lowest two are zero. */
  if (port == 0xcf8) ports_wrong += (value & 0xff000003) != 0x80000000;
}
uint8_t inb(uint16_t port) {
  ports_wrong += !is_serial(port) && port != 0x71;
  return port == 0x71 ? 100 + rtc_register : 0x20;
}
uint32_t inl(uint16_t port) { ports_wrong += port != 0xcfc; return pci_address ^ 0x1234; }
uint32_t apic_read(uint32_t reg) { apic_wrong += reg > 0xff0 || reg % 16; return apic[reg / 4]; }
void apic_write(uint32_t reg, uint32_t value) { apic_wrong += reg > 0xff0 || reg % 16; apic[reg / 4] = value; }
void ioapic_write(uint32_t reg, uint32_t value) {
  ioapic_wrong += reg < 0x10 || reg >= 0x10 + 2 * 24 || (reg % 2 == 0 && value != EMBER_VECTOR_DEVICE);
  ioapic[reg % 64] = value;
}
uint64_t cpu_read_msr(uint32_t number) { return number == 0x1b ? msr : 0; }
void cpu_write_msr(uint32_t number, uint64_t value) { if (number == 0x1b && msr_count < 4) msr_writes[msr_count++] = value; }
uint64_t cpu_counter(void) { return 4711; }
void cpu_pause(void) {}
void cpu_forget_page(uint64_t address) { (void)address; forgotten++; }
void cpu_halt(void) { halts++; }
_Noreturn void cpu_reset(void) { longjmp(powered_off, 1); }

static uint64_t call(uint64_t number, uint64_t first, uint64_t second) { return kernel_call(number, first, second).value; }

static uint64_t state = 88172645463325252ull;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

/* Every entry is absent or maps exactly its one allowed page. */
static int directories_sound(void) {
  uint64_t first = EMBER_LINEAR_BASE / EMBER_LARGE_PAGE, last = EMBER_LINEAR_END / EMBER_LARGE_PAGE;
  for (uint64_t i = 0; i < 2048; i++) {
    uint64_t entry = kernel_page_directory[i];
    int allowed = i >= first && i < last && entry == (i * EMBER_LARGE_PAGE | 0x80000000000000e7ull);
    if (entry != 0 && !allowed) return 0;
  }
  for (int i = 0; i < 512; i++) {
    uint64_t entry = kernel_device_directory[i], physical = entry & 0x000fffffffe00000ull;
    int allowed = i >= EMBER_FIRST_FREE_SLOT && i < 510 && physical >= 1ull << 32 && entry == (physical | 0x80000000000000ffull);
    if (entry != 0 && !allowed) return 0;
  }
  return 1;
}

static void test_init(void) {
  CHECK(kernel_init() == 0 && msr_count == 0, "an APIC that is as it should be is left alone");
  CHECK(apic[0x80 / 4] == 0x30, "vectors of exceptions are held back");
  msr = 0xfee00d00; /* x2APIC */
  kernel_init();
  CHECK(msr_count == 2 && msr_writes[0] == 0xfee00100 && msr_writes[1] == 0xfee00900, "x2APIC mode is left by way of none");
}

static void test_calls(void) {
  CHECK(call(CALL_PCI_READ, 0x00fffffc, 0) == (0x80fffffcu ^ 0x1234), "a word of configuration space is read");
  CHECK(call(CALL_PCI_READ, 2, 0) == CALL_REFUSED && call(CALL_PCI_READ, 1ull << 32, 0) == CALL_REFUSED, "no other address is");
  apic[0x390 / 4] = 99;
  struct call_result timer = kernel_call(CALL_TIMER_READ, 0, 0);
  CHECK(timer.value == 99 && timer.time == 4711, "the timer is read with the counter");
  halts = 0;
  call(CALL_SLEEP, 5, 0);
  CHECK(halts == 1 && apic[0x320 / 4] == 0x10000 && apic[0x380 / 4] == 0, "a sleep leaves the timer masked");
  CHECK(call(CALL_SLEEP, 1ull << 32, 0) == CALL_REFUSED && halts == 1, "a sleep that the timer cannot hold is refused");
  CHECK(call(CALL_SERIAL_WRITE, 0, 9) == CALL_REFUSED, "nine bytes are refused");

  uint64_t at = EMBER_LINEAR_BASE / EMBER_LARGE_PAGE;
  CHECK(call(CALL_SET_MEMORY_END, EMBER_LINEAR_BASE + 4 * EMBER_LARGE_PAGE, 0) == 0 && kernel_page_directory[at + 3] && !kernel_page_directory[at + 4],
        "linear memory is mapped to its end");
  forgotten = 0;
  CHECK(call(CALL_SET_MEMORY_END, EMBER_LINEAR_BASE + EMBER_LARGE_PAGE, 0) == 0 && kernel_page_directory[at] && !kernel_page_directory[at + 1] && forgotten == 3,
        "and no further, which the processor hears of");
  CHECK(call(CALL_SET_MEMORY_END, EMBER_LINEAR_END, 0) == 0 && call(CALL_SET_MEMORY_END, EMBER_LINEAR_BASE, 0) == 0 && !kernel_page_directory[at], "from all to none");

  CHECK(call(CALL_MAP_DEVICE, 1ull << 40, 0) == EMBER_DEVICE_WINDOW + 256ull * EMBER_LARGE_PAGE, "a device above 4 GiB gets the first free slot");
  int mapped = 1;
  while (call(CALL_MAP_DEVICE, 1ull << 40, 0) != CALL_REFUSED) mapped++;
  CHECK(mapped == 254 && kernel_device_directory[510] == 0 && kernel_device_directory[511] == 0, "the last two slots are kept");

  apic[0x20 / 4] = 5u << 24;
  CHECK(call(CALL_ROUTE_INTERRUPT, 5, 0) == 0 && ioapic[0x1a] == EMBER_VECTOR_DEVICE && ioapic[0x1b] == 5u << 24, "a line of the I/O APIC interrupts this CPU");
  CHECK(call(CALL_ROUTE_INTERRUPT, 24, 0) == CALL_REFUSED, "a line that is not there is refused");

  CHECK(call(CALL_RTC_READ, 9, 0) == 109 && call(CALL_RTC_READ, 14, 0) == CALL_REFUSED && call(CALL_RTC_READ, 256, 0) == CALL_REFUSED, "the clock is read, and no memory behind it");

  if (setjmp(powered_off) == 0) call(CALL_POWER_OFF, 0, 0);
  CHECK(last_word == 0x2000, "power off asks for soft off");
}

static void test_fuzz(void) {
  static const uint64_t edges[] = {0, 1, 8, 0xcf8, 0x00fffffc, 0x01000000, EMBER_KERNEL_TEXT, EMBER_LINEAR_BASE, EMBER_LINEAR_END, EMBER_APIC_PHYSICAL, 0xffffffff, 1ull << 32, 1ull << 46, 1ull << 63, ~0ull};
  int sound = 1;
  memset(kernel_device_directory, 0, sizeof kernel_device_directory);
  for (int i = 0; i < ROUNDS && sound; i++) {
    uint64_t number = next() % 8 ? next() % CALL_COUNT : next(), values[2];
    for (int v = 0; v < 2; v++) values[v] = next() % 2 ? edges[next() % 15] + (next() % 3 - 1) * (next() % 2 ? EMBER_LARGE_PAGE : 4) : next() >> next() % 64;
    if (setjmp(powered_off) == 0) {
      uint64_t result = call(number, values[0], values[1]);
      sound &= number < CALL_COUNT || result == CALL_REFUSED;
    }
    if (i % 1000 == 0 || number == CALL_SET_MEMORY_END || number == CALL_MAP_DEVICE) sound &= i % 100 ? 1 : directories_sound();
  }
  CHECK(sound && directories_sound(), "any call leaves the page tables sound");
  CHECK(ports_wrong == 0, "no port is reached but those of COM1, PCI, the clock and power");
  CHECK(apic_wrong == 0, "only registers of the APIC are");
  CHECK(ioapic_wrong == 0, "a line of the I/O APIC raises the vector for devices alone");
}

int main(void) {
  test_init();
  test_calls();
  test_fuzz();
  return failures != 0;
}
