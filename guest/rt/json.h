/* Answers of plain data as JSON text, without the engine's own JSON.stringify. */
#ifndef EMBER_JSON_H
#define EMBER_JSON_H

#include <stdint.h>
#include "engine.h"

/* The text that JSON.stringify makes of plain data, in linear memory; `Z_qjsZ_wasm_free` frees it. 0 when the value is more than that, or undefined. */
uint32_t json_of_plain(js_value value, uint32_t *length);

/* 0 for an object that may be a response or a promise, by its members: the prelude knows about those. */
int json_is_answer(js_value value);

#endif
