/* Boot marks: the time stamp counter at named points, at the cost of one store. The host maps them to its clock. */
#ifndef EMBER_MARKS_H
#define EMBER_MARKS_H

#include <stdint.h>

/* Numbers are ids on the wire; core/runtimes/ember/layout.ts contains the names. */
enum mark {
  MARK_ENTRY,
  MARK_KERNEL,
  MARK_MEMORY,
  MARK_DISCOVERY,
  MARK_DEVICES,
  MARK_RUNTIME,
  MARK_FUNCTION,
  MARK_INVOKE,
  MARK_HANDLER,
  MARK_RETURNED,
  MARK_RESPOND,
  MARK_COUNT
};

extern uint64_t marks[MARK_COUNT];

static inline uint64_t rdtsc(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
  return (uint64_t)high << 32 | low;
}

static inline void mark(enum mark m) { marks[m] = rdtsc(); }

#endif
