/* The end of the guest: the decoded fault on the console, and a last frame to the host if the channel is open. */
#ifndef EMBER_PANIC_H
#define EMBER_PANIC_H

#include "context.h"

_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Powers the machine off, or halts it forever where power-off is not available. */
_Noreturn void halt(void);

/*
 * The place where the guest resumes after a fault inside the JavaScript engine (stack overflow, access outside linear memory, trap
 * instruction); null: such a fault is a panic. The value passed to the context is an `enum crash`.
 */
extern struct context *crash_handler;

enum crash { CRASH_STACK = 1, CRASH_MEMORY, CRASH_TRAP };

/* Goes to `crash_handler` when there is one, else panics with the message. */
_Noreturn void crash(enum crash, const char *what);

#endif
