/* The JavaScript engine: QuickJS as a WebAssembly module turned into C, on the heap that the image brought. */
#ifndef EMBER_ENGINE_H
#define EMBER_ENGINE_H

#include <stdint.h>
#include "qjs.h"

extern Z_qjs_instance_t engine;

/* Puts the engine onto the heap at EMBER_LINEAR_BASE. Panics when there is not enough memory for it. */
void engine_attach(void);

/* Address of an offset in linear memory. */
static inline void *engine_at(uint32_t offset) { return (void *)(0x01000000ull + offset); }

/* Text of a JS value, as UTF-8 in linear memory; 0 when there is no memory for it. Free with `qjs_free_cstring`. */
uint32_t engine_text(uint32_t value, uint32_t *length);

/* Property of a JS object by a C name; a box to free. */
uint32_t engine_property(uint32_t object, const char *name);

/* 1 while memory that is kept back for reporting errors may be used. */
extern int engine_reserve_open;

/* 1 once the function has asked for more memory than there is, since `engine_attach` or since it was cleared. */
extern int engine_out_of_memory;

uint32_t engine_pages(void);
uint32_t engine_max_pages(void);

#endif
