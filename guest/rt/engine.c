#include "engine.h"

#include "../boot/config.h"
#include "../boot/panic.h"
#include "../mm/pages.h"
#include "format.h"
#include "memory.h"

Z_qjs_instance_t engine;
int engine_reserve_open, engine_out_of_memory;

/* The functions that the module calls by number: build/guest/engine.mjs makes the table a constant. */
extern const wasm_rt_funcref_t engine_table[];

void engine_attach(void) {
  uint64_t max = pages_linear_limit() / EMBER_LINEAR_PAGE;
  uint32_t need = config()->heap_pages + EMBER_RESERVE_PAGES;
  if (need > max) {
    uint64_t mib = (EMBER_LINEAR_BASE + (uint64_t)need * EMBER_LINEAR_PAGE + (1 << 20) - 1) >> 20;
    panic("not enough memory: the function needs %lu MiB", mib);
  }
  Z_qjs_init_module();
  Z_qjs_instantiate(&engine, 0, 0);
  engine.w2c___stack_pointer = config()->stack_pointer;
}

/* In a JSRuntime, the allocator's count of bytes follows five functions and its count of blocks. core/runtimes/ember/base-heap.test.ts proves it. */
#define RUNTIME_USED_BYTES 24

/* In a JSContext, the steps until QuickJS asks whether to go on. The same test proves it. */
#define CONTEXT_STEPS_LEFT 292

void engine_poll_after(uint32_t steps) { *(uint32_t *)engine_at(config()->context + CONTEXT_STEPS_LEFT) = steps; }

uint32_t engine_pages(void) { return engine.w2c_memory.pages; }
uint32_t engine_used_bytes(void) { return engine_pages() ? *(uint32_t *)engine_at(config()->runtime + RUNTIME_USED_BYTES) : 0; }
uint32_t engine_max_pages(void) { return engine.w2c_memory.max_pages; }

/* Bytes on the engine's own stack, for out-parameters; `stack_drop` releases them. */
static uint32_t stack_take(uint32_t bytes) { return engine.w2c___stack_pointer -= bytes; }
static void stack_drop(uint32_t bytes) { engine.w2c___stack_pointer += bytes; }

js_value js_call(js_value function, int argc, js_value first, js_value second) {
  uint32_t slot = stack_take(16);
  js_value *args = engine_at(slot);
  args[0] = first;
  args[1] = second;
  js_value result = Z_qjsZ_JS_Call(&engine, config()->context, function, js_make(JS_UNDEFINED, 0), argc, slot);
  stack_drop(16);
  return result;
}

void js_free(js_value value) {
  /* Tags below zero mean reference-counted values. */
  if (js_tag(value) < 0) Z_qjsZ_JS_FreeValue(&engine, config()->context, value);
}

js_value js_exception(void) { return Z_qjsZ_JS_GetException(&engine, config()->context); }

js_value js_parse_json(uint32_t text, uint32_t length) {
  uint32_t name = stack_take(16);
  memcpy(engine_at(name), "event", 6);
  js_value value = Z_qjsZ_JS_ParseJSON(&engine, config()->context, text, length, name);
  stack_drop(16);
  return value;
}

double js_number(js_value value) {
  if (js_tag(value) == JS_INT) return (int32_t)value;
  uint32_t slot = stack_take(16);
  *(js_value *)engine_at(slot) = value;
  double number = Z_qjsZ_qjs_get_float64(&engine, slot);
  stack_drop(16);
  return number;
}

int js_promise_state(js_value value) {
  if (!Z_qjsZ_JS_IsPromise(&engine, value)) return -1;
  return Z_qjsZ_JS_PromiseState(&engine, config()->context, value);
}

js_value js_promise_result(js_value value) { return Z_qjsZ_JS_PromiseResult(&engine, config()->context, value); }

uint32_t js_text(js_value value, uint32_t *length) {
  uint32_t slot = stack_take(16);
  uint32_t text = Z_qjsZ_JS_ToCStringLen2(&engine, config()->context, slot, value, 0);
  *length = text ? *(uint32_t *)engine_at(slot) : 0;
  stack_drop(16);
  return text;
}

void js_free_text(uint32_t text) {
  if (text) Z_qjsZ_JS_FreeCString(&engine, config()->context, text);
}

static const char *const trap_names[] = {
    "no trap",           "access outside memory", "integer overflow", "integer division by zero", "conversion of NaN to an integer",
    "abort in QuickJS",  "bad indirect call",     "uncaught exception", "call stack exhausted"};

_Noreturn void wasm_rt_trap(wasm_rt_trap_t trap) { crash(CRASH_TRAP, trap_names[trap]); }

void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, uint32_t initial_pages, uint32_t max_pages) {
  (void)initial_pages;
  (void)max_pages;
  memory->data = (uint8_t *)EMBER_LINEAR_BASE;
  memory->pages = config()->heap_pages;
  memory->max_pages = pages_linear_limit() / EMBER_LINEAR_PAGE;
  memory->size = memory->pages * EMBER_LINEAR_PAGE;
}

uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint32_t pages) {
  uint32_t before = memory->pages;
  uint32_t limit = memory->max_pages - (engine_reserve_open ? 0 : EMBER_RESERVE_PAGES);
  if (before > limit || pages > limit - before) {
    engine_out_of_memory = 1;
    return UINT32_MAX;
  }
  /* Firmware may have left its own data in these pages. */
  memset(memory->data + memory->size, 0, (uint64_t)pages * EMBER_LINEAR_PAGE);
  memory->pages += pages;
  memory->size += pages * EMBER_LINEAR_PAGE;
  return before;
}

void wasm_rt_free_memory(wasm_rt_memory_t *memory) { (void)memory; }

void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *t, uint32_t elements, uint32_t max_elements) {
  (void)max_elements;
  /* The module only reads it; a write would fault. */
  t->data = (wasm_rt_funcref_t *)engine_table;
  t->size = t->max_size = elements;
}

void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *t) { (void)t; }

void *js_buffer(uint32_t box, uint32_t *length) {
  uint32_t slot = engine.w2c___stack_pointer -= 16;
  uint32_t data = Z_qjsZ_qjs_get_array_buffer(&engine, box, slot);
  *length = data ? *(uint32_t *)engine_at(slot) : 0;
  engine.w2c___stack_pointer += 16;
  return data ? engine_at(data) : 0;
}
