/* Ring 0 in C: the implementation of the calls. It is compiled without SSE; the tests compile it for the host and pass any arguments. */
#include "calls.h"

#include "../boot/layout.h"
#include "cpu.h"
#include "kernel.h"

#define ENTRY_LINEAR 0x80000000000000e7ull /* present, writable, user, accessed, dirty, 2 MiB, not executable */
#define ENTRY_DEVICE 0x80000000000000ffull /* and cache disabled, write through */
#define HIGHEST_PHYSICAL (1ull << 46)

#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc
#define PCI_ENABLE 0x80000000u
#define PCI_ADDRESS_BITS 0x00fffffcu

#define COM1 0x3f8
#define LINE_STATUS (COM1 + 5)
#define TRANSMITTER_EMPTY 0x20

/* IA32_APIC_BASE: the registers' address, enabled (bit 11), and not in x2APIC mode (bit 10), which firmware turns on for many CPUs. */
#define APIC_BASE_MSR 0x1b
#define APIC_BASE_ADDRESS 0xfffff000u
#define APIC_BASE_ENABLED 0x800u
#define APIC_BASE_X2APIC 0x400u
#define APIC_ID 0x20
#define APIC_TASK_PRIORITY 0x80
#define APIC_SPURIOUS 0xf0
#define APIC_SPURIOUS_ENABLE 0x100
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0
#define APIC_MASKED 0x10000
#define APIC_DIVIDE_BY_16 3
/* Vectors 16 to 63 wait forever: a device that is made to send an exception's number is blocked. */
#define APIC_PRIORITY_OF_INTERRUPTS 0x30

/* PIIX4's and ICH9's ACPI power management: its registers lie at an address that firmware chooses. */
#define PIIX4_POWER (PCI_ENABLE | 1 << 11 | 3 << 8)
#define PIIX4_POWER_ID 0x71138086
#define PIIX4_POWER_BASE 0x40
#define PIIX4_POWER_ENABLE 0x80
#define ICH9_BRIDGE (PCI_ENABLE | 31 << 11)
#define ICH9_POWER_BASE 0x40
#define ICH9_POWER_ENABLE 0x44
#define POWER_PORTS 0x600
#define POWER_CONTROL (POWER_PORTS + 4)
#define SLEEP_SOFT_OFF 0x2000
#define RTC_INDEX 0x70
#define RTC_DATA 0x71
/* The clock's own; behind them lies memory of firmware. */
#define RTC_REGISTERS 14
#define KEYBOARD_CONTROLLER 0x64
#define KEYBOARD_RESET 0xfe
/* 25 ms. */
#define POWER_OFF_TICKS (25000000 / TIMER_NS_PER_TICK)

/* The entry for a line of the I/O APIC: its vector, edge-triggered, active high, not masked; then the target CPU. */
#define IOAPIC_LINES 24
#define IOAPIC_LINE(line) (0x10 + 2 * (line))

static uint32_t next_slot = EMBER_FIRST_FREE_SLOT;
static int serial_ready;

static uint32_t pci_read(uint32_t address) {
  outl(PCI_ADDRESS, address);
  return inl(PCI_DATA);
}

static void pci_write(uint32_t address, uint32_t value) {
  outl(PCI_ADDRESS, address);
  outl(PCI_DATA, value);
}

static void set_up_serial(void) {
  outb(COM1 + 1, 0);    /* no interrupts */
  outb(COM1 + 3, 0x80); /* divisor latch */
  outb(COM1 + 0, 1);    /* 115200 baud */
  outb(COM1 + 1, 0);
  outb(COM1 + 3, 3);    /* 8 data bits, no parity, 1 stop bit */
  outb(COM1 + 2, 0x07); /* FIFO on and cleared: an empty transmitter takes 16 bytes */
  outb(COM1 + 4, 3);    /* DTR, RTS */
  serial_ready = 1;
}

static uint64_t serial_write(uint64_t bytes, uint64_t count) {
  if (count > 8) return CALL_REFUSED;
  if (!serial_ready) set_up_serial();
  while (!(inb(LINE_STATUS) & TRANSMITTER_EMPTY)) cpu_pause();
  for (; count > 0; count--, bytes >>= 8) outb(COM1, bytes);
  return 0;
}

static void start_timer(void) {
  apic_write(APIC_LVT_TIMER, APIC_MASKED);
  apic_write(APIC_TIMER_INITIAL, 0xffffffff);
}

static uint64_t sleep(uint64_t ticks) {
  if (ticks > 0xffffffff) return CALL_REFUSED;
  if (ticks == 0) {
    cpu_halt();
    return 0;
  }
  apic_write(APIC_LVT_TIMER, EMBER_VECTOR_TIMER);
  apic_write(APIC_TIMER_INITIAL, ticks);
  cpu_halt();
  apic_write(APIC_TIMER_INITIAL, 0);
  apic_write(APIC_LVT_TIMER, APIC_MASKED);
  return 0;
}

static uint64_t map_device(uint64_t physical) {
  if (physical % EMBER_LARGE_PAGE != 0 || physical < 1ull << 32 || physical >= HIGHEST_PHYSICAL) return CALL_REFUSED;
  /* The last two slots are taken. */
  if (next_slot >= EMBER_DEVICE_SLOTS - 2) return CALL_REFUSED;
  kernel_device_directory[next_slot] = physical | ENTRY_DEVICE;
  return EMBER_DEVICE_WINDOW + (uint64_t)next_slot++ * EMBER_LARGE_PAGE;
}

static uint64_t route_interrupt(uint64_t line) {
  if (line >= IOAPIC_LINES) return CALL_REFUSED;
  ioapic_write(IOAPIC_LINE(line) + 1, apic_read(APIC_ID));
  ioapic_write(IOAPIC_LINE(line), EMBER_VECTOR_DEVICE);
  return 0;
}

/* The image contains the pages for the memory size that it was made for: usually there is nothing to change. */
static uint64_t set_memory_end(uint64_t end) {
  if (end % EMBER_LARGE_PAGE != 0 || end < EMBER_LINEAR_BASE || end > EMBER_LINEAR_END) return CALL_REFUSED;
  uint64_t first = EMBER_LINEAR_BASE / EMBER_LARGE_PAGE, last = EMBER_LINEAR_END / EMBER_LARGE_PAGE;
  uint64_t *entries = kernel_page_directory, at = end / EMBER_LARGE_PAGE;
  for (uint64_t i = at; i < last && entries[i] != 0; i++) {
    entries[i] = 0;
    cpu_forget_page(i * EMBER_LARGE_PAGE);
  }
  for (uint64_t i = at; i > first && entries[i - 1] == 0; i--) entries[i - 1] = (i - 1) * EMBER_LARGE_PAGE | ENTRY_LINEAR;
  return 0;
}

static uint64_t rtc_read(uint64_t number) {
  if (number >= RTC_REGISTERS) return CALL_REFUSED;
  outb(RTC_INDEX, number);
  return inb(RTC_DATA);
}

/* Firmware may have set up power management; if so, it used the same place and the same values. */
static void power_off(void) {
  if (pci_read(PIIX4_POWER) == PIIX4_POWER_ID) {
    pci_write(PIIX4_POWER | PIIX4_POWER_BASE, POWER_PORTS | 1);
    pci_write(PIIX4_POWER | PIIX4_POWER_ENABLE, pci_read(PIIX4_POWER | PIIX4_POWER_ENABLE) | 1);
  } else {
    pci_write(ICH9_BRIDGE | ICH9_POWER_BASE, POWER_PORTS | 1);
    pci_write(ICH9_BRIDGE | ICH9_POWER_ENABLE, pci_read(ICH9_BRIDGE | ICH9_POWER_ENABLE) | 0x80);
  }
  outw(POWER_CONTROL, SLEEP_SOFT_OFF);
  /* A machine without ACPI: a reset ends it too, as our machines do not restart. */
  outb(KEYBOARD_CONTROLLER, KEYBOARD_RESET);
  /* A VMM takes a moment for both. QEMU's microvm has neither. */
  for (int i = 0; i < 4; i++) sleep(POWER_OFF_TICKS);
  for (;;) cpu_reset();
}

struct call_result kernel_call(uint64_t call, uint64_t first, uint64_t second) {
  struct call_result result = {CALL_REFUSED, 0};
  switch (call) {
    case CALL_PCI_READ:
      if (!(first & ~(uint64_t)PCI_ADDRESS_BITS)) result.value = pci_read(PCI_ENABLE | first);
      break;
    case CALL_PCI_WRITE:
      if ((first & ~(uint64_t)PCI_ADDRESS_BITS) || second > UINT32_MAX) break;
      pci_write(PCI_ENABLE | first, second);
      result.value = 0;
      break;
    case CALL_SERIAL_WRITE:
      result.value = serial_write(first, second);
      break;
    case CALL_TIMER_START:
      start_timer();
      result.value = 0;
      break;
    case CALL_TIMER_READ:
      result.time = cpu_counter();
      result.value = apic_read(APIC_TIMER_CURRENT);
      break;
    case CALL_SLEEP:
      result.value = sleep(first);
      break;
    case CALL_MAP_DEVICE:
      result.value = map_device(first);
      break;
    case CALL_SET_MEMORY_END:
      result.value = set_memory_end(first);
      break;
    case CALL_ROUTE_INTERRUPT:
      result.value = route_interrupt(first);
      break;
    case CALL_RTC_READ:
      result.value = rtc_read(first);
      break;
    case CALL_POWER_OFF:
      power_off();
  }
  return result;
}

uint32_t kernel_init(void) {
  uint64_t base = cpu_read_msr(APIC_BASE_MSR);
  uint64_t wanted = EMBER_APIC_PHYSICAL | APIC_BASE_ENABLED | (base & ~(uint64_t)(APIC_BASE_ADDRESS | APIC_BASE_ENABLED | APIC_BASE_X2APIC) & 0xfff);
  if (base != wanted) {
    /* To leave x2APIC mode, the APIC must first be disabled. */
    cpu_write_msr(APIC_BASE_MSR, wanted & ~(uint64_t)APIC_BASE_ENABLED);
    cpu_write_msr(APIC_BASE_MSR, wanted);
  }
  apic_write(APIC_TASK_PRIORITY, APIC_PRIORITY_OF_INTERRUPTS);
  apic_write(APIC_SPURIOUS, APIC_SPURIOUS_ENABLE | EMBER_VECTOR_SPURIOUS);
  /* Masking them blocks the old interrupt controllers too: their interrupts have no other path. */
  apic_write(APIC_LVT_LINT0, APIC_MASKED);
  apic_write(APIC_LVT_LINT1, APIC_MASKED);
  apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_16);
  return apic_read(APIC_ID) >> 24;
}
