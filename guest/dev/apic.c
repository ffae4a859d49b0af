#include "apic.h"

#include "../boot/layout.h"
#include "../boot/panic.h"
#include "../mm/pages.h"
#include "io.h"

#define APIC_PHYSICAL 0xfee00000
/* IA32_APIC_BASE: where the registers are, enabled (bit 11), and not in x2APIC mode (bit 10), which firmware turns on for many CPUs. */
#define APIC_BASE_MSR 0x1b
#define APIC_BASE_MASK 0xfffffc00
#define APIC_BASE_WANTED (APIC_PHYSICAL | 0x800)
#define ID 0x20
#define EOI 0xb0
#define SPURIOUS 0xf0
#define LVT_TIMER 0x320
#define LVT_LINT0 0x350
#define LVT_LINT1 0x360
#define TIMER_INITIAL 0x380
#define TIMER_CURRENT 0x390
#define TIMER_DIVIDE 0x3e0
#define MASKED 0x10000
#define DIVIDE_BY_16 3
/* QEMU and KVM run the APIC timer at 1 GHz before division (KVM: APIC_BUS_CYCLE_NS 1). */
#define NS_PER_TICK 16

volatile uint32_t *lapic_eoi;
static volatile uint8_t *apic;
static int counting;

static uint32_t apic_read(int reg) { return *(volatile uint32_t *)(apic + reg); }
static void apic_write(int reg, uint32_t value) { *(volatile uint32_t *)(apic + reg) = value; }

void apic_init(void) {
  uint32_t base, high;
  __asm__ volatile("rdmsr" : "=a"(base), "=d"(high) : "c"(APIC_BASE_MSR));
  if ((base & APIC_BASE_MASK) != APIC_BASE_WANTED || high) panic("the local APIC is not at 0x%x, or in x2APIC mode: 0x%x", APIC_PHYSICAL, base);
  /* The old interrupt controllers stay silent. */
  outb(0x21, 0xff);
  outb(0xa1, 0xff);
  apic = pages_map_device(APIC_PHYSICAL, 4096);
  lapic_eoi = (volatile uint32_t *)(apic + EOI);
  apic_write(SPURIOUS, 0x100 | EMBER_VECTOR_SPURIOUS);
  apic_write(LVT_LINT0, MASKED);
  apic_write(LVT_LINT1, MASKED);
  /* Counts down from here, unheard, as the reference that the time stamp counter is measured against. */
  apic_write(LVT_TIMER, MASKED);
  apic_write(TIMER_DIVIDE, DIVIDE_BY_16);
  apic_write(TIMER_INITIAL, 0xffffffff);
  counting = 1;
}

uint64_t apic_message_address(void) { return APIC_PHYSICAL | (uint64_t)(apic_read(ID) >> 24) << 12; }
uint32_t apic_message_data(void) { return EMBER_VECTOR_DEVICE; }

void cpu_sleep(void) { __asm__ volatile("sti; hlt; cli" ::: "memory"); }

void cpu_sleep_for(uint64_t ns) {
  uint64_t ticks = ns / NS_PER_TICK + 1;
  counting = 0;
  apic_write(LVT_TIMER, EMBER_VECTOR_TIMER);
  apic_write(TIMER_INITIAL, ticks > 0xffffffff ? 0xffffffff : (uint32_t)ticks);
  cpu_sleep();
  apic_write(TIMER_INITIAL, 0);
  apic_write(LVT_TIMER, MASKED);
}

uint64_t apic_elapsed_ns(void) {
  uint32_t current = apic_read(TIMER_CURRENT);
  if (!counting || current == 0) return 0;
  return (uint64_t)(0xffffffff - current) * NS_PER_TICK;
}

void apic_restart_count(void) {
  apic_write(LVT_TIMER, MASKED);
  apic_write(TIMER_INITIAL, 0xffffffff);
  counting = 1;
}
