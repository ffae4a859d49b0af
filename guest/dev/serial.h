/* The serial console, a 16550 at COM1 that ring 0 sets up when it is first written. Nothing is lost: a full transmitter is waited for. */
#ifndef EMBER_SERIAL_H
#define EMBER_SERIAL_H

#include <stddef.h>

/* Writes bytes as they are, but a line feed as carriage return and line feed, as a terminal wants it. */
void serial_write(const char *bytes, size_t count);

#endif
