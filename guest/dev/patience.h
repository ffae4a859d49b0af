/* Waiting for a device that answers one question at a time. */
#ifndef EMBER_PATIENCE_H
#define EMBER_PATIENCE_H

#include "../boot/panic.h"
#include "clock.h"
#include "timer.h"
#include "virtio.h"

#define PATIENCE_NS 10000000000ull
/* A question that is asked at the deadline, or right after it, has this long. */
#define PATIENCE_LEAST_NS 250000000
/* The device's interrupt ends a sleep. */
#define PATIENCE_SLEEP_NS 10000000

/*
 * Returns the number of bytes that the device says it has written once it has answered `virtq_ask`. It has until `deadline_ns`, a time
 * since boot, 0: none, and 10 s at most. Then the guest ends: the device would write into memory that is another's by then.
 */
static inline uint32_t virtq_await(struct virtq *q, uint64_t deadline_ns, const char *name) {
  uint64_t asked = clock_boot_ns(), until = asked + PATIENCE_NS;
  uint32_t written;
  if (deadline_ns && deadline_ns < until) until = deadline_ns > asked + PATIENCE_LEAST_NS ? deadline_ns : asked + PATIENCE_LEAST_NS;
  while (!virtq_answered(q, &written)) {
    uint64_t now = clock_boot_ns();
    if (now > until) panic("%s has not answered for %lu ms%s", name, (now - asked) / 1000000, now < asked + PATIENCE_NS ? ", and the time of the invocation is up" : "");
    uint64_t left = until - now + 1;
    cpu_sleep_for(left < PATIENCE_SLEEP_NS ? left : PATIENCE_SLEEP_NS);
  }
  return written;
}

#endif
