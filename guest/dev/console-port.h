/*
 * What a function prints: the port for it, or the 16550 where there is none. A port takes whole buffers, a 16550 one byte
 * at a time. Nothing is lost: a host that does not keep up is waited for.
 */
#ifndef EMBER_CONSOLE_PORT_H
#define EMBER_CONSOLE_PORT_H

#include <stddef.h>

/* Writes bytes as they are, but a line feed as carriage return and line feed. Returns when they are copied; the host gets them soon. */
void console_write(const char *bytes, size_t count);

/* Hands on what has been copied meanwhile. For places that are passed often. */
void console_pump(void);

/* Returns when the host has everything. */
void console_flush(void);

#endif
