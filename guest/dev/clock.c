#include "clock.h"

#include "../boot/marks.h"
#include "apic.h"

#define SECOND 1000000000ull
/* Long enough that reading both counters, about a microsecond, is one part in two thousand. */
#define MEASURE_NS 2000000
#define KVM_SYSTEM_TIME_NEW 0x4b564d01

/* pvclock_vcpu_time_info of KVM's paravirtual clock. */
struct pvclock {
  volatile uint32_t version, pad;
  volatile uint64_t tsc_timestamp, system_time;
  volatile uint32_t multiplier;
  volatile int8_t shift;
  volatile uint8_t flags, pad2[2];
} __attribute__((aligned(64)));

static struct pvclock pvclock;
struct sample {
  uint64_t tsc, ns;
};

static struct sample start;
static uint64_t hz, wall_base_ns, wall_base_tsc;
static uint64_t ns_multiplier; /* nanoseconds per count, times 2^32 */

static uint64_t kvm_hz(void) {
  uint32_t a, b, c, d;
  __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(1), "c"(0));
  if (!(c >> 31)) return 0;
  __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0x40000000), "c"(0));
  if (b != 0x4b4d564b || c != 0x564b4d56 || d != 0x4d || a < 0x40000001) return 0;
  __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0x40000001), "c"(0));
  if (!(a & 8)) return 0;
  uint64_t page = (uint64_t)&pvclock | 1;
  __asm__ volatile("wrmsr" ::"c"(KVM_SYSTEM_TIME_NEW), "a"((uint32_t)page), "d"((uint32_t)(page >> 32)) : "memory");
  uint32_t multiplier = pvclock.multiplier;
  int shift = pvclock.shift;
  __asm__ volatile("wrmsr" ::"c"(KVM_SYSTEM_TIME_NEW), "a"(0), "d"(0) : "memory");
  if (multiplier == 0 || shift > 31 || shift < -31) return 0;
  /* ns = (ticks << shift) * multiplier / 2^32 */
  uint64_t result = (SECOND << 32) / multiplier;
  return shift >= 0 ? result >> shift : result << -shift;
}

static void set_hz(uint64_t value) {
  hz = value;
  ns_multiplier = (SECOND << 32) / hz;
}

/* Both counters at one instant, as nearly as a few tries get it: a virtual CPU can lose its host in between. */
static struct sample take_sample(int tries) {
  struct sample best = {0, 0};
  uint64_t narrowest = UINT64_MAX;
  for (int i = 0; i < tries; i++) {
    uint64_t before = rdtsc(), elapsed = apic_elapsed_ns(), width = rdtsc() - before;
    if (width >= narrowest) continue;
    narrowest = width;
    best = (struct sample){before + width / 2, elapsed};
  }
  return best;
}

void clock_init(void) { start = take_sample(2); }

static uint64_t measured_hz(void) {
  if (apic_elapsed_ns() <= start.ns) {
    apic_restart_count();
    start = take_sample(8);
  }
  while (apic_elapsed_ns() - start.ns < MEASURE_NS) __asm__ volatile("pause");
  struct sample end = take_sample(8);
  uint64_t ticks = end.tsc - start.tsc, elapsed = end.ns - start.ns;
  /* ticks * 1e9 overflows after some seconds; microseconds are fine enough by then. */
  return elapsed < 4 * SECOND ? ticks * 1000 / (elapsed / 1000) * 1000 : ticks / (elapsed / 1000000) * 1000;
}

uint64_t clock_hz(void) {
  if (hz == 0) {
    uint64_t found = kvm_hz();
    set_hz(found ? found : measured_hz());
  }
  return hz;
}

uint64_t clock_hz_known(void) { return hz; }

void clock_hint(uint64_t value) {
  if (hz == 0 && value >= 1000000) set_hz(value);
}

uint64_t clock_ns(uint64_t ticks) {
  clock_hz();
  return (unsigned __int128)ticks * ns_multiplier >> 32;
}

uint64_t clock_ticks(uint64_t ns) {
  /* Whole seconds and the rest apart: no 128-bit division is needed, and nothing overflows. */
  return ns / SECOND * clock_hz() + ns % SECOND * (clock_hz() / 1000) / (SECOND / 1000);
}

void clock_set_wall(uint64_t wall_ns, uint64_t tsc) {
  wall_base_ns = wall_ns;
  wall_base_tsc = tsc;
}

uint64_t clock_wall_ns(void) { return wall_base_ns + clock_ns(rdtsc() - wall_base_tsc); }

uint64_t clock_boot_ns(void) { return clock_ns(rdtsc()); }
