#include "engine.h"

#include "../boot/config.h"
#include "../boot/panic.h"
#include "../mm/pages.h"
#include "format.h"
#include "memory.h"

Z_qjs_instance_t engine;
int engine_reserve_open, engine_out_of_memory;

/* The module has 532 table entries; the build fails on a module with more. */
static wasm_rt_funcref_t table[768];

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

uint32_t engine_pages(void) { return engine.w2c_memory.pages; }
uint32_t engine_max_pages(void) { return engine.w2c_memory.max_pages; }

uint32_t engine_text(uint32_t value, uint32_t *length) {
  uint32_t slot = engine.w2c___stack_pointer -= 16;
  uint32_t text = Z_qjsZ_qjs_get_string_len(&engine, value, slot);
  engine.w2c___stack_pointer += 16;
  *length = text ? *(uint32_t *)engine_at(slot) : 0;
  return text;
}

uint32_t engine_property(uint32_t object, const char *name) {
  uint32_t bytes = (strlen(name) + 16) & ~15u;
  uint32_t slot = engine.w2c___stack_pointer -= bytes;
  memcpy(engine_at(slot), name, strlen(name) + 1);
  uint32_t value = Z_qjsZ_qjs_get_prop_string(&engine, object, slot);
  engine.w2c___stack_pointer += bytes;
  return value;
}

static const char *const trap_names[] = {
    "no trap",           "access outside memory", "integer overflow", "integer division by zero", "conversion of NaN to an integer",
    "abort in QuickJS",  "bad indirect call",     "uncaught exception", "call stack exhausted"};

_Noreturn void wasm_rt_trap(wasm_rt_trap_t trap) { crash(CRASH_TRAP, trap_names[trap]); }

/* The module's types are distinct, so each gets the next number. */
uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results, ...) {
  static uint32_t count;
  (void)params;
  (void)results;
  return ++count;
}

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
  /* Firmware may have left its own data up there. */
  memset(memory->data + memory->size, 0, (uint64_t)pages * EMBER_LINEAR_PAGE);
  memory->pages += pages;
  memory->size += pages * EMBER_LINEAR_PAGE;
  return before;
}

void wasm_rt_free_memory(wasm_rt_memory_t *memory) { (void)memory; }

void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *t, uint32_t elements, uint32_t max_elements) {
  (void)max_elements;
  if (elements > sizeof table / sizeof table[0]) panic("the engine's function table has %u entries", elements);
  t->data = table;
  t->size = t->max_size = elements;
}

void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *t) { (void)t; }
