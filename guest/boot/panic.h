/* The end of the guest: what went wrong, decoded on the console, and a last frame to the host if the channel is open. */
#ifndef EMBER_PANIC_H
#define EMBER_PANIC_H

#include "context.h"

_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Powers the machine off, or stops it for good where that is not to be had. */
_Noreturn void halt(void);

/*
 * Where a fault inside the JavaScript engine (stack overflow, access outside linear memory, trap instruction) resumes; null: such a fault is a
 * panic. The value passed to the context is a `enum crash`.
 */
extern struct context *crash_handler;

enum crash { CRASH_STACK = 1, CRASH_MEMORY, CRASH_TRAP };

/* Goes to `crash_handler` when there is one, else panics with the words. */
_Noreturn void crash(enum crash, const char *what);

#endif
