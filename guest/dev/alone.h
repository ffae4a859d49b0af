/*
 * A guest without Firstlight on its host, as in a cluster's virtual machine: it has no invocation channel, and takes its clock and its
 * seed from the machine. A resident guest has a channel, where nobody may be: its host has started it by itself.
 */
#ifndef EMBER_ALONE_H
#define EMBER_ALONE_H

#include <stdint.h>

/* 1 when a command line has the word `firstlight.alone`. */
int alone_asked(const char *text, uint32_t bytes);

/* 1 when a command line has the word `firstlight.resident`. */
int resident_asked(const char *text, uint32_t bytes);

/* Opens a channel that nothing comes from and that forgets what is sent. */
void alone_init(void);

/* 1 after `alone_init`. */
int is_alone(void);

void resident_init(void);

/* 1 after `resident_init`. */
int is_resident(void);

/* 1 when the processor gives random numbers. */
int alone_has_random(void);

/* Random bytes of the processor, and the time of the machine's clock in nanoseconds since 1970. Panics where there is neither. */
void alone_seed(uint8_t seed[32], uint64_t *wall_ns);

#endif
