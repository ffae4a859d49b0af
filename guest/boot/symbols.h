/* Names for code addresses, from the table that the build appends to the kernel. */
#ifndef EMBER_SYMBOLS_H
#define EMBER_SYMBOLS_H

#include <stdint.h>

/* The function that contains `address`, and the distance from its start; null when the address is not code. */
const char *symbol_find(uint64_t address, uint64_t *offset);

#endif
