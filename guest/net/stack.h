/* lwIP on the network card: frames both ways, and its timers. One thread, no locks: everything happens in `stack_poll`. */
#ifndef EMBER_NET_STACK_H
#define EMBER_NET_STACK_H

#include <stdint.h>

/* Opens the card with the address of the config block, or asks a DHCP server for one. Returns 1, or 0 when the machine has no card. */
int stack_open(void);

/* Handles the frames that have arrived, at most a few dozen, and the timers that are due; sends what there is to send. */
void stack_poll(void);

/* 1 when a frame has arrived; reads memory only. */
int stack_has_frame(void);

/* 1 when the card has an address, by which connections can be opened. */
int stack_has_address(void);

/* When `stack_poll` has to be called next for its timers, in milliseconds since boot; UINT64_MAX: never. */
uint64_t stack_due_ms(void);

/* Sends what was queued outside of `stack_poll`. */
void stack_flush(void);

/* Milliseconds since boot. */
uint64_t stack_now_ms(void);

#endif
