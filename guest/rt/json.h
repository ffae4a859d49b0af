/* Answers of plain data as JSON text, without the engine's own JSON.stringify. */
#ifndef EMBER_JSON_H
#define EMBER_JSON_H

#include <stdint.h>
#include "engine.h"

/*
 * The text that JSON.stringify makes of the value, in linear memory; `Z_qjsZ_wasm_free` frees it. 0 when the value is not plain data that an
 * answer may be: the prelude then answers, or says what is wrong.
 */
uint32_t json_of_plain(js_value value, uint32_t *length);

#endif
