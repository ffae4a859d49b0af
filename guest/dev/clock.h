/* Time: the time stamp counter, its frequency, and wall clock time as the host last sent it. */
#ifndef EMBER_CLOCK_H
#define EMBER_CLOCK_H

#include <stdint.h>

/*
 * Ticks per second of the time stamp counter, as sent by the host (`clock_hint`). Without that hint, the first call measures the
 * frequency against the APIC's timer, which takes 2 ms.
 */
uint64_t clock_hz(void);

/* The frequency if it is known already, else 0. */
uint64_t clock_hz_known(void);

/* Sets the frequency that the host sent; ignored when 0 or when the frequency is known already. */
void clock_hint(uint64_t hz);

/* Sets the host's wall clock, in nanoseconds since 1970, at the given count. */
void clock_set_wall(uint64_t wall_ns, uint64_t tsc);

/* Nanoseconds since 1970; since boot when the host has not sent its wall clock. */
uint64_t clock_wall_ns(void);

/* Nanoseconds since the counter was zero. */
uint64_t clock_boot_ns(void);

/* Counts for a duration. */
uint64_t clock_ticks(uint64_t ns);

/* Duration of a number of counts. */
uint64_t clock_ns(uint64_t ticks);

#endif
