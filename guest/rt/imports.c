/*
 * The engine's imports. Functions of the prelude reach the guest by name; core/runtimes/ember/base-heap.ts has the same names, and
 * bake-worker.ts answers them while an image is baked.
 */
#include "../dev/clock.h"
#include "../dev/console-port.h"
#include "../net/net.h"
#include "engine.h"
#include "assets.h"
#include "fetch.h"
#include "invoke.h"
#include "memory.h"
#include "random.h"

#define WASI_OK 0
#define WASI_BADF 8
#define WASI_SPIPE 70

static uint32_t number(uint32_t box) { return js_number(js_unbox(box)); }

static void print(uint32_t box) {
  uint32_t length, text = js_text(js_unbox(box), &length);
  if (!text) return;
  console_write(engine_at(text), length);
  js_free_text(text);
}

static void fill_random(uint32_t buffer) {
  uint32_t slot = engine.w2c___stack_pointer -= 16;
  uint32_t data = Z_qjsZ_qjs_get_array_buffer(&engine, buffer, slot);
  if (data) random_bytes(engine_at(data), *(uint32_t *)engine_at(slot));
  engine.w2c___stack_pointer += 16;
}

static int is_call(const char *wanted, const char *name, uint32_t length) {
  return strlen(wanted) == length && memcmp(wanted, name, length) == 0;
}

u32 Z_envZ_host_call(struct Z_env_instance_t *env, u32 name, u32 name_length, u32 self, u32 argc, u32 argv) {
  (void)env;
  (void)self;
  const uint32_t *args = engine_at(argv);
  const char *called = engine_at(name);
  if (is_call("print", called, name_length) && argc == 1) print(args[0]);
  else if (is_call("random", called, name_length) && argc == 1) fill_random(args[0]);
  else if (is_call("respond", called, name_length) && argc == 6)
    invoke_respond(number(args[0]), js_unbox(args[1]), number(args[2]), args[3], number(args[4]), number(args[5]));
  else if (is_call("respondPlain", called, name_length) && argc == 3)
    return invoke_respond_plain(number(args[0]), js_unbox(args[1]), js_unbox(args[2])) ? Z_qjsZ_qjs_get_true(&engine) : Z_qjsZ_qjs_get_false(&engine);
  else if (is_call("fail", called, name_length) && argc == 4)
    invoke_fail(number(args[0]), js_unbox(args[1]), js_unbox(args[2]), js_unbox(args[3]));
  else if (is_call("fetch", called, name_length)) fetch_call(argc, args);
  else if (is_call("assets", called, name_length)) assets_call(argc, args);
  return Z_qjsZ_qjs_get_undefined(&engine);
}

u32 Z_envZ_host_interrupt(struct Z_env_instance_t *env) {
  (void)env;
  console_pump();
  net_glance();
  return invoke_interrupted();
}

/* The guest's local time is UTC. */
u32 Z_envZ_host_get_timezone_offset(struct Z_env_instance_t *env, u32 high, u32 low) {
  (void)env;
  (void)high;
  (void)low;
  return 0;
}

/* This hook is not registered in the baked runtime; it only frees its arguments, which it owns. */
void Z_envZ_host_promise_rejection(struct Z_env_instance_t *env, u32 promise, u32 reason, u32 handled) {
  (void)env;
  (void)handled;
  Z_qjsZ_qjs_free_value(&engine, promise);
  Z_qjsZ_qjs_free_value(&engine, reason);
}

/* A bundle imports nothing at run time, so there is nothing to load: 0 makes the engine throw. */
u32 Z_envZ_host_module_normalize(struct Z_env_instance_t *env, u32 base, u32 name) {
  (void)env;
  (void)base;
  (void)name;
  return 0;
}

u32 Z_envZ_host_module_load(struct Z_env_instance_t *env, u32 name, u32 length) {
  (void)env;
  (void)name;
  (void)length;
  return 0;
}

#define WASI struct Z_wasi_snapshot_preview1_instance_t *wasi

u32 Z_wasi_snapshot_preview1Z_clock_time_get(WASI, u32 clock, u64 precision, u32 result) {
  (void)wasi;
  (void)precision;
  *(uint64_t *)engine_at(result) = clock == 0 ? clock_wall_ns() : clock_boot_ns();
  return WASI_OK;
}

u32 Z_wasi_snapshot_preview1Z_random_get(WASI, u32 buffer, u32 length) {
  (void)wasi;
  random_bytes(engine_at(buffer), length);
  return WASI_OK;
}

u32 Z_wasi_snapshot_preview1Z_fd_write(WASI, u32 fd, u32 pieces, u32 count, u32 written) {
  (void)wasi;
  if (fd != 1 && fd != 2) return WASI_BADF;
  const struct {
    uint32_t at, length;
  } *piece = engine_at(pieces);
  uint32_t total = 0;
  for (uint32_t i = 0; i < count; i++) {
    console_write(engine_at(piece[i].at), piece[i].length);
    total += piece[i].length;
  }
  *(uint32_t *)engine_at(written) = total;
  return WASI_OK;
}

u32 Z_wasi_snapshot_preview1Z_fd_close(WASI, u32 fd) {
  (void)wasi;
  (void)fd;
  return WASI_BADF;
}

u32 Z_wasi_snapshot_preview1Z_fd_fdstat_get(WASI, u32 fd, u32 result) {
  (void)wasi;
  (void)fd;
  (void)result;
  return WASI_BADF;
}

u32 Z_wasi_snapshot_preview1Z_fd_seek(WASI, u32 fd, u64 offset, u32 whence, u32 result) {
  (void)wasi;
  (void)fd;
  (void)offset;
  (void)whence;
  (void)result;
  return WASI_SPIPE;
}
