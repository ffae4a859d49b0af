/* The JavaScript engine: QuickJS as a WebAssembly module compiled to C, on the heap from the image. */
#ifndef EMBER_ENGINE_H
#define EMBER_ENGINE_H

#include <stdint.h>
#include "../boot/layout.h"
#include "qjs.h"

extern Z_qjs_instance_t engine;

/* Puts the engine onto the heap at EMBER_LINEAR_BASE. Panics when there is not enough memory for it. */
void engine_attach(void);

/* Address of an offset in linear memory. */
static inline void *engine_at(uint32_t offset) { return (void *)((uint64_t)EMBER_LINEAR_BASE + offset); }

/* A JSValue as the engine passes it: the tag above, a number or an offset below. The module's host functions get values in boxes instead. */
typedef uint64_t js_value;

enum js_tag { JS_FIRST = -9, JS_STRING = -7, JS_STRING_ROPE = -6, JS_OBJECT = -1, JS_INT = 0, JS_BOOL = 1, JS_NULL = 2, JS_UNDEFINED = 3, JS_EXCEPTION = 6, JS_DOUBLE = 8 };

static inline js_value js_make(enum js_tag tag, uint32_t payload) { return (uint64_t)(uint32_t)tag << 32 | payload; }
static inline int32_t js_tag(js_value value) { return (int32_t)(value >> 32); }

/* A double is stored as itself, moved so far that it reads as a tag above all others. */
static inline int js_is_double(js_value value) { return (uint32_t)js_tag(value) - JS_FIRST >= JS_DOUBLE - JS_FIRST; }

/* The value in a box; the box still owns it. */
static inline js_value js_unbox(uint32_t box) { return *(js_value *)engine_at(box); }

/* Calls a function with up to two arguments, which the caller still owns. The caller frees the result. */
js_value js_call(js_value function, int argc, js_value first, js_value second);

void js_free(js_value);

/* The thrown value; the caller frees it. */
js_value js_exception(void);

/* The value of a JSON text, which must end with a zero byte. */
js_value js_parse_json(uint32_t text, uint32_t length);

/* The value as a number; NaN when it is not a number. */
double js_number(js_value);

/* The state of a promise: -1 not a promise, 0 pending, 1 fulfilled, 2 rejected. */
int js_promise_state(js_value);
js_value js_promise_result(js_value);

/* The bytes of an ArrayBuffer; null when the value in the box is none. */
void *js_buffer(uint32_t box, uint32_t *length);

/* Text of a JS value, as UTF-8 in linear memory; 0 when there is no memory for it. `js_free_text` frees it. */
uint32_t js_text(js_value, uint32_t *length);
void js_free_text(uint32_t text);

/* 1 while the memory reserved for error reports may be used. */
extern int engine_reserve_open;

/* 1 once the function has asked for more memory than there is, since `engine_attach` or since the flag was cleared. */
extern int engine_out_of_memory;

/* QuickJS calls `host_interrupt` after this many further calls of functions and jumps back. */
void engine_poll_after(uint32_t steps);

/* Linear memory: what the engine has, what of it JavaScript's values take, and the most that it can have. */
uint32_t engine_pages(void);
uint32_t engine_used_bytes(void);
uint32_t engine_max_pages(void);

#endif
