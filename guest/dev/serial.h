/* The serial console, a 16550 at COM1 that ring 0 sets up when it is first written. No output is lost: the guest waits for a full transmitter. */
#ifndef EMBER_SERIAL_H
#define EMBER_SERIAL_H

#include <stddef.h>

/* Writes bytes unchanged, except a line feed as carriage return and line feed, as a terminal expects. */
void serial_write(const char *bytes, size_t count);

#endif
