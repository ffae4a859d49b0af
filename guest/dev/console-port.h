/*
 * A function's output: the console port, or the 16550 where there is no port. A port takes whole buffers, a 16550 one byte
 * at a time. No output is lost: the guest waits for a host that does not keep up.
 */
#ifndef EMBER_CONSOLE_PORT_H
#define EMBER_CONSOLE_PORT_H

#include <stddef.h>

/* Writes bytes unchanged, except a line feed as carriage return and line feed. Returns when they are copied; the host gets them soon. */
void console_write(const char *bytes, size_t count);

/* Gives the copied bytes to the device. For code that runs often. */
void console_pump(void);

/* Returns when the host has everything. */
void console_flush(void);

#endif
