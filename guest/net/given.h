/* The addresses that a guest on its own is given on its command line. */
#ifndef EMBER_NET_GIVEN_H
#define EMBER_NET_GIVEN_H

#include <stdint.h>

/* In network byte order; a gateway of 0: none. */
struct given {
  uint32_t address, gateway, netmask;
};

/*
 * Reads `ip=ADDRESS:SERVER:GATEWAY:NETMASK`, Linux's form, whose further fields are not looked at. 1 when a command line has it; 0, with
 * nothing written, when it has not, or names a protocol in its place.
 */
int given_read(const char *text, uint32_t bytes, struct given *to);

#endif
