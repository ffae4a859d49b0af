/* Invocations: frames in, the handler run, frames out. guest/PROTOCOL.md describes them. */
#ifndef EMBER_INVOKE_H
#define EMBER_INVOKE_H

#include <stdint.h>

/* Says HELLO and answers invocations for ever. */
_Noreturn void invoke_loop(void);

/* Tells the host of a panic, if the channel is open. */
void invoke_report_panic(const char *message);

/* For the engine's imports. */

/* 1 when the running invocation has used up its time. */
int invoke_interrupted(void);

/* The handler has settled: `kind` as in the RESPONSE frame; `body` is a JS string or ArrayBuffer. All are boxes, borrowed. */
void invoke_respond(uint32_t status, uint32_t headers, uint32_t kind, uint32_t body, uint32_t offset, uint32_t length);

/* The handler has failed: a number of the ERROR frame, and JS strings, borrowed. */
void invoke_fail(uint32_t code, uint32_t name, uint32_t message, uint32_t stack);

#endif
