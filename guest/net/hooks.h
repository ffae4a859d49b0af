/* The functions that lwIP's hooks and macros call. */
#ifndef EMBER_NET_HOOKS_H
#define EMBER_NET_HOOKS_H

#include <stdint.h>

/* A number that nobody outside can predict, once the host has sent its seed. */
uint32_t net_random(void);

/* Ends the guest: lwIP has found its own state broken. */
_Noreturn void net_assert(const char *message);

#endif
