#include "invoke.h"

#include "../boot/config.h"
#include "../boot/context.h"
#include "../boot/marks.h"
#include "../boot/panic.h"
#include "../dev/apic.h"
#include "../dev/clock.h"
#include "../dev/virtio-serial.h"
#include "engine.h"
#include "format.h"
#include "frames.h"
#include "memory.h"
#include "random.h"

/* How long the prelude may take to report after a time-out. */
#define GRACE_NS 250000000

/* The invocation under way. */
static struct {
  uint32_t id, deadline_ms;
  uint64_t start_tsc, deadline_tsc; /* 0: no limit */
  int answered, timed_out;
} now;

static void fill_clock(struct clock_block *clock, struct wire_mark *wire) {
  uint32_t count = 0;
  for (int i = 0; i < MARK_COUNT; i++) {
    if (marks[i]) wire[count++] = (struct wire_mark){i, 0, 0, marks[i]};
  }
  *clock = (struct clock_block){rdtsc(), clock_hz_known(), count, 0};
}

/* Sends a frame: its fixed part, all marks so far, and up to three more pieces. `fixed` starts with a clock block. */
static void send(enum frame_type type, void *fixed, uint32_t fixed_bytes, const struct iovec *rest, int count) {
  static struct frame_header header;
  static struct wire_mark wire[MARK_COUNT];
  struct clock_block *clock = fixed;
  struct iovec pieces[6];
  fill_clock(clock, wire);
  pieces[0] = (struct iovec){&header, sizeof header};
  pieces[1] = (struct iovec){fixed, fixed_bytes};
  pieces[2] = (struct iovec){wire, clock->mark_count * sizeof wire[0]};
  uint32_t total = fixed_bytes + pieces[2].length;
  int used = 3;
  for (int i = 0; i < count; i++) {
    if (rest[i].length == 0) continue;
    pieces[used++] = rest[i];
    total += rest[i].length;
  }
  header = (struct frame_header){total, type, PROTOCOL_VERSION, 0, now.id};
  channel_send(pieces, used);
}

static void send_error(enum error_code code, int fatal, struct iovec name, struct iovec message, struct iovec stack) {
  static struct error_body body;
  body = (struct error_body){.code = code, .fatal = fatal, .name_bytes = name.length, .message_bytes = message.length, .stack_bytes = stack.length};
  struct iovec rest[3] = {name, message, stack};
  mark(MARK_RESPOND);
  now.answered = 1;
  send(FRAME_ERROR, &body, sizeof body, rest, 3);
}

static struct iovec text_of(const char *text) { return (struct iovec){text, strlen(text)}; }

static void send_plain_error(enum error_code code, int fatal, const char *message) {
  send_error(code, fatal, text_of("Error"), text_of(message), text_of(""));
}

void invoke_report_panic(const char *message) {
  if (channel_open()) send_plain_error(ERROR_CRASHED, 1, message);
}

/* --- called by the engine's imports --- */

int invoke_interrupted(void) {
  if (now.deadline_tsc == 0 || rdtsc() < now.deadline_tsc) return 0;
  now.timed_out = 1;
  now.deadline_tsc = rdtsc() + clock_ticks(GRACE_NS);
  return 1;
}

void invoke_respond(uint32_t status, uint32_t headers, uint32_t kind, uint32_t body, uint32_t offset, uint32_t length) {
  static struct response_body fixed;
  if (now.answered) return;
  uint32_t headers_bytes, body_bytes = 0, text = 0;
  uint32_t headers_text = engine_text(headers, &headers_bytes);
  struct iovec piece = {0, 0};
  if (kind == 3) {
    uint32_t slot = engine.w2c___stack_pointer -= 16;
    uint32_t data = Z_qjsZ_qjs_get_array_buffer(&engine, body, slot);
    engine.w2c___stack_pointer += 16;
    body_bytes = length;
    piece = (struct iovec){engine_at(data + offset), length};
  } else if (kind != 0) {
    text = engine_text(body, &body_bytes);
    piece = (struct iovec){engine_at(text), body_bytes};
  }
  if ((kind == 1 || kind == 2) && !text) {
    send_plain_error(ERROR_OUT_OF_MEMORY, 0, "There is not enough memory to send the response.");
  } else if (headers_bytes + (uint64_t)body_bytes + 4096 > MAX_BODY) {
    char words[96];
    size_t n = format_words(words, sizeof words, "The response has %u bytes; at most %u can be sent.", body_bytes, 16u * 1024 * 1024);
    send_error(ERROR_UNSENDABLE, 0, text_of("RangeError"), (struct iovec){words, n}, text_of(""));
  } else {
    fixed = (struct response_body){.status = status, .kind = kind, .headers_bytes = headers_bytes, .body_bytes = body_bytes};
    struct iovec rest[2] = {{engine_at(headers_text), headers_bytes}, piece};
    mark(MARK_RESPOND);
    now.answered = 1;
    send(FRAME_RESPONSE, &fixed, sizeof fixed, rest, 2);
  }
  if (text) Z_qjsZ_qjs_free_cstring(&engine, text);
  if (headers_text) Z_qjsZ_qjs_free_cstring(&engine, headers_text);
}

void invoke_fail(uint32_t code, uint32_t name, uint32_t message, uint32_t stack) {
  if (now.answered) return;
  uint32_t boxes[3] = {name, message, stack}, texts[3], length;
  struct iovec pieces[3];
  for (int i = 0; i < 3; i++) {
    texts[i] = engine_text(boxes[i], &length);
    pieces[i] = (struct iovec){engine_at(texts[i]), length < 65536 ? length : 65536};
  }
  send_error(now.timed_out ? ERROR_TIMEOUT : code, 0, pieces[0], pieces[1], pieces[2]);
  for (int i = 0; i < 3; i++) {
    if (texts[i]) Z_qjsZ_qjs_free_cstring(&engine, texts[i]);
  }
}

/* --- running a handler --- */

/* The engine threw past the prelude: it was interrupted, or ran out of memory or stack while reporting. */
static void fail_with_exception(void) {
  engine_reserve_open = 1;
  uint32_t error = Z_qjsZ_qjs_get_exception(&engine);
  uint32_t name = engine_property(error, "name"), message = engine_property(error, "message"), stack = engine_property(error, "stack");
  enum error_code code = engine_out_of_memory ? ERROR_OUT_OF_MEMORY : ERROR_THREW;
  invoke_fail(code, name, message, stack);
  Z_qjsZ_qjs_free_value(&engine, name);
  Z_qjsZ_qjs_free_value(&engine, message);
  Z_qjsZ_qjs_free_value(&engine, stack);
  Z_qjsZ_qjs_free_value(&engine, error);
}

/* Calls a function of the prelude; 0 when it threw, which has then been reported. `result` may be null. */
static int call(uint32_t function, int argc, uint32_t argument, double *result) {
  uint32_t slot = engine.w2c___stack_pointer -= 16;
  *(uint32_t *)engine_at(slot) = argument;
  uint32_t undefined = Z_qjsZ_qjs_get_undefined(&engine);
  uint32_t value = Z_qjsZ_qjs_call(&engine, function, undefined, argc, slot);
  engine.w2c___stack_pointer += 16;
  int threw = Z_qjsZ_qjs_is_exception(&engine, value);
  if (!threw && result) *result = Z_qjsZ_qjs_get_float64(&engine, value);
  Z_qjsZ_qjs_free_value(&engine, value);
  Z_qjsZ_qjs_free_value(&engine, undefined);
  if (threw) fail_with_exception();
  return !threw;
}

/* Runs the engine's job queue until it is empty or the invocation is answered by an error. */
static int run_jobs(void) {
  while (Z_qjsZ_qjs_is_job_pending(&engine)) {
    if ((int32_t)Z_qjsZ_qjs_execute_pending_job(&engine) >= 0) continue;
    fail_with_exception();
    return 0;
  }
  return 1;
}

static void fail_timed_out(void) {
  char words[96];
  size_t n = format_words(words, sizeof words, "The handler did not settle within %u ms.", now.deadline_ms);
  send_error(ERROR_TIMEOUT, 0, text_of("Error"), (struct iovec){words, n}, text_of(""));
}

/* Jobs and timers, until the handler has settled or never will. */
static void run_to_answer(void) {
  while (run_jobs() && !now.answered) {
    double delay_ms;
    if (!call(config()->tick, 0, 0, &delay_ms)) return;
    if (now.answered || Z_qjsZ_qjs_is_job_pending(&engine)) continue;
    if (delay_ms < 0) {
      send_plain_error(ERROR_NEVER_SETTLED, 0, "The handler never settled: nothing is left to run, no promise job and no timer.");
      return;
    }
    uint64_t tsc = rdtsc(), sleep_ns = delay_ms > 60000 ? 60000000000ull : (uint64_t)(delay_ms * 1e6);
    if (now.deadline_tsc && tsc >= now.deadline_tsc) {
      fail_timed_out();
      return;
    }
    if (now.deadline_tsc) {
      uint64_t left_ns = clock_ns(now.deadline_tsc - tsc);
      if (left_ns < sleep_ns) sleep_ns = left_ns;
    }
    if (sleep_ns > 0) cpu_sleep_for(sleep_ns);
  }
}

/* 1 when the heap is clean for another invocation: nothing of this one is left to run. */
static int settle_down(void) {
  engine_reserve_open = 1;
  now.deadline_tsc = rdtsc() + clock_ticks(GRACE_NS);
  now.timed_out = 0;
  int clean = call(config()->reset, 0, 0, 0);
  uint64_t limit = now.deadline_tsc;
  while (clean && Z_qjsZ_qjs_is_job_pending(&engine)) {
    clean = (int32_t)Z_qjsZ_qjs_execute_pending_job(&engine) >= 0 && rdtsc() < limit;
  }
  engine_reserve_open = engine_out_of_memory = 0;
  return clean;
}

static void read_exactly(void *to, uint32_t count) {
  uint8_t *at = to;
  while (count > 0) {
    uint32_t got = channel_read(at, count);
    at += got;
    count -= got;
    if (got == 0 && !channel_readable()) cpu_sleep();
  }
}

static void skip(uint32_t count) {
  uint8_t sink[256];
  while (count > 0) {
    uint32_t take = count < sizeof sink ? count : sizeof sink;
    read_exactly(sink, take);
    count -= take;
  }
}

static const char *const crash_words[] = {
    "", "The function used up the native stack: it recurses too deeply in a built-in such as JSON, a regular expression or the parser.",
    "The JavaScript engine accessed memory outside its heap.", "The JavaScript engine stopped at an internal error."};

static void handle_invoke(uint32_t id, uint32_t bytes) {
  struct invoke_body body;
  uint64_t received = rdtsc();
  now.id = id;
  now.answered = now.timed_out = 0;
  now.deadline_tsc = 0;
  for (int m = MARK_INVOKE; m < MARK_COUNT; m++) marks[m] = 0;
  marks[MARK_INVOKE] = received;
  if (bytes < sizeof body) {
    skip(bytes);
    send_plain_error(ERROR_PROTOCOL, 0, "An INVOKE frame is shorter than its fixed part.");
    return;
  }
  read_exactly(&body, sizeof body);
  uint32_t event_bytes = bytes - sizeof body;
  clock_hint(body.tsc_hz);
  clock_set_wall(body.wall_ns, received);
  random_seed(body.seed);

  static struct context crashed;
  int kind = context_save(&crashed);
  if (kind) {
    send_plain_error(ERROR_CRASHED, 1, crash_words[kind]);
    halt();
  }
  uint32_t buffer = Z_qjsZ_wasm_malloc(&engine, event_bytes + 1);
  if (!buffer) {
    skip(event_bytes);
    send_plain_error(ERROR_OUT_OF_MEMORY, 0, "There is not enough memory for the event.");
    return;
  }
  read_exactly(engine_at(buffer), event_bytes);
  crash_handler = &crashed;
  uint32_t event = Z_qjsZ_qjs_new_string(&engine, buffer, event_bytes);
  Z_qjsZ_wasm_free(&engine, buffer);
  if (body.deadline_ms) {
    now.deadline_ms = body.deadline_ms;
    now.deadline_tsc = received + clock_ticks((uint64_t)body.deadline_ms * 1000000);
  }
  if (call(config()->invoke, 1, event, 0) && !now.answered) run_to_answer();
  Z_qjsZ_qjs_free_value(&engine, event);
  if (!settle_down()) {
    now.answered = 0;
    send_plain_error(ERROR_CRASHED, 1, "The function kept running after its invocation had ended.");
    halt();
  }
  crash_handler = 0;
}

static void handle_ping(uint32_t id, uint32_t bytes) {
  static struct {
    struct frame_header header;
    struct pong_body body;
  } __attribute__((packed)) pong;
  pong.body.tsc_received = rdtsc();
  read_exactly(&pong.body.host_ns, 8);
  skip(bytes - 8);
  pong.header = (struct frame_header){sizeof pong.body, FRAME_PONG, PROTOCOL_VERSION, 0, id};
  pong.body.tsc_hz = clock_hz();
  pong.body.tsc_sent = rdtsc();
  struct iovec piece = {&pong, sizeof pong};
  channel_send(&piece, 1);
}

_Noreturn void invoke_loop(void) {
  static struct hello_body hello;
  mark(MARK_FUNCTION);
  hello = (struct hello_body){.version = PROTOCOL_VERSION, .heap_pages = engine_pages(), .max_pages = engine_max_pages()};
  send(FRAME_HELLO, &hello, sizeof hello, 0, 0);
  for (;;) {
    struct frame_header header;
    read_exactly(&header, sizeof header);
    now.id = header.id;
    if (header.version != PROTOCOL_VERSION || header.body_bytes > MAX_BODY) {
      /* The stream has lost its frames; there is no way back into step. */
      send_plain_error(ERROR_PROTOCOL, 1, "A frame of another protocol version, or one too long.");
      halt();
    }
    if (header.type == FRAME_INVOKE) handle_invoke(header.id, header.body_bytes);
    else if (header.type == FRAME_PING && header.body_bytes >= 8) handle_ping(header.id, header.body_bytes);
    else {
      skip(header.body_bytes);
      send_plain_error(ERROR_PROTOCOL, 0, "A frame of unknown type.");
    }
  }
}
