#include "clock.h"

#include "../boot/marks.h"
#include "timer.h"

#define SECOND 1000000000ull
/* Long enough that the time between the two counter reads, about a microsecond, is one part in two thousand. */
#define MEASURE_NS 2000000
#define SAMPLE_TRIES 8

static uint64_t hz, wall_base_ns, wall_base_tsc;
static uint64_t ns_multiplier; /* nanoseconds per count, times 2^32 */

static void set_hz(uint64_t value) {
  hz = value;
  ns_multiplier = (SECOND << 32) / hz;
}

/* Both clocks at nearly one instant, the best of a few tries: a virtual CPU can lose its host CPU between the two reads. */
static int take_sample(struct timer_sample *best) {
  uint64_t narrowest = UINT64_MAX;
  for (int i = 0; i < SAMPLE_TRIES; i++) {
    struct timer_sample sample;
    uint64_t before = rdtsc();
    if (!timer_read(&sample)) return 0;
    uint64_t width = rdtsc() - before;
    if (width >= narrowest) continue;
    narrowest = width;
    *best = sample;
  }
  return 1;
}

static uint64_t measured_hz(void) {
  struct timer_sample start, end;
  timer_restart();
  take_sample(&start);
  do timer_read(&end);
  while (end.ns < MEASURE_NS);
  take_sample(&end);
  uint64_t ticks = end.tsc - start.tsc, elapsed = end.ns - start.ns;
  /* ticks * 1e9 overflows after some seconds; microseconds are precise enough by then. */
  return elapsed < 4 * SECOND ? ticks * 1000 / (elapsed / 1000) * 1000 : ticks / (elapsed / 1000000) * 1000;
}

uint64_t clock_hz(void) {
  if (hz == 0) set_hz(measured_hz());
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
  /* Converts whole seconds and the rest separately: this needs no 128-bit division and does not overflow. */
  return ns / SECOND * clock_hz() + ns % SECOND * (clock_hz() / 1000) / (SECOND / 1000);
}

void clock_set_wall(uint64_t wall_ns, uint64_t tsc) {
  wall_base_ns = wall_ns;
  wall_base_tsc = tsc;
}

uint64_t clock_wall_ns(void) { return wall_base_ns + clock_ns(rdtsc() - wall_base_tsc); }

uint64_t clock_boot_ns(void) { return clock_ns(rdtsc()); }
