/* Invocations: frames in, the handler run, frames out. guest/PROTOCOL.md describes them. */
#ifndef EMBER_INVOKE_H
#define EMBER_INVOKE_H

#include <stdint.h>
#include "engine.h"

/* Sends HELLO and answers invocations forever. */
_Noreturn void invoke_loop(void);

/* Reports a panic to the host, if the channel is open. */
void invoke_report_panic(const char *message);

/* The calls below are for the engine's imports. */

/* 1 when the running invocation has used up its time. */
int invoke_interrupted(void);

/* When the running invocation has used up its time, in nanoseconds since boot; 0: never. */
uint64_t invoke_deadline_ns(void);

/* Sends a RESPONSE of a `body_kind`; `body` is a box with a string or an ArrayBuffer. The caller still owns all arguments. */
void invoke_respond(uint32_t status, js_value headers, uint32_t kind, uint32_t body, uint32_t offset, uint32_t length);

/*
 * Sends a RESPONSE whose body is plain data, as JSON. `headers` are an object of strings without a prototype, or its text. Returns 0, and has
 * done nothing, when the body is more than that.
 */
int invoke_respond_plain(uint32_t status, js_value headers, js_value body);

/* Sends an ERROR: a number of the frame, and strings, which the caller still owns. */
void invoke_fail(uint32_t code, js_value name, js_value message, js_value stack);

#endif
