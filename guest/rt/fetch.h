/* The host call by which the shim of `fetch` reaches the network (core/bundle/shims/fetch.ts). */
#ifndef EMBER_FETCH_H
#define EMBER_FETCH_H

#include <stdint.h>

/* `args`: boxes of values, the first a number that says what to do. Does nothing in a kernel without the network. */
void fetch_call(uint32_t argc, const uint32_t *args);

#endif
