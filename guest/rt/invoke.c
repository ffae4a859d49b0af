#include "invoke.h"

#include "../boot/config.h"
#include "../boot/context.h"
#include "../boot/marks.h"
#include "../boot/panic.h"
#include "../dev/channel.h"
#include "../dev/clock.h"
#include "../dev/console-port.h"
#include "../dev/timer.h"
#include "../net/net.h"
#include "engine.h"
#include "format.h"
#include "frames.h"
#include "memory.h"
#include "random.h"

/* The time limit for the prelude's report after a time-out. */
#define GRACE_NS 250000000
#define MAX_ERROR_TEXT 65536
/* Upper limit for the fixed part and the marks. */
#define FRAME_OVERHEAD 4096

/* 1 once the host has sent its clock and a seed. */
static int is_seeded;

/* The current invocation. */
static struct {
  uint32_t id, deadline_ms;
  uint64_t start_tsc, deadline_tsc; /* 0: no limit */
  int answered, timed_out;
} current;

static void fill_clock(struct clock_block *clock, struct wire_mark *wire) {
  uint32_t count = 0;
  for (int i = 0; i < MARK_COUNT; i++) {
    if (marks[i]) wire[count++] = (struct wire_mark){i, 0, 0, marks[i]};
  }
  *clock = (struct clock_block){rdtsc(), clock_hz_known(), count, engine_pages(), engine_used_bytes()};
}

/*
 * Sends a frame: its fixed part, all marks so far, and up to three more pieces. `fixed` starts with a clock block. HELLO does not wait:
 * the invocation may have arrived already. All other frames wait, as they may point to memory that their sender frees.
 */
static void send(enum frame_type type, void *fixed, uint32_t fixed_bytes, const struct iovec *rest, int count) {
  static struct frame_header headers[2];
  static struct wire_mark wires[2][MARK_COUNT];
  int is_hello = type == FRAME_HELLO;
  struct frame_header *header = &headers[is_hello];
  struct wire_mark *wire = wires[is_hello];
  struct clock_block *clock = fixed;
  struct iovec pieces[6];
  /* A host that has the answer has all output from before it. */
  console_flush();
  fill_clock(clock, wire);
  pieces[0] = (struct iovec){header, sizeof *header};
  pieces[1] = (struct iovec){fixed, fixed_bytes};
  pieces[2] = (struct iovec){wire, clock->mark_count * sizeof wire[0]};
  uint32_t total = fixed_bytes + pieces[2].length;
  int used = 3;
  for (int i = 0; i < count; i++) {
    if (rest[i].length == 0) continue;
    pieces[used++] = rest[i];
    total += rest[i].length;
  }
  *header = (struct frame_header){total, type, PROTOCOL_VERSION, 0, current.id};
  if (is_hello) channel()->post(pieces, used);
  else channel_send(pieces, used);
}

/* Answers a request of the function's own server. The stack is not for its client: it is printed. */
static void fail_request(enum error_code code, struct iovec name, struct iovec message, struct iovec stack) {
  static const char prefix[] = "The request failed: ", end[] = "\n";
  const struct iovec lines[] = {{prefix, sizeof prefix - 1}, name, {": ", name.length > 0 ? 2 : 0}, message, {end, 1}, stack, {end, stack.length > 0}};
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) console_write(lines[i].base, lines[i].length);
  console_flush();
  net_fail(code == ERROR_TIMEOUT ? 504 : 500, name, message);
}

static void send_error(enum error_code code, int fatal, struct iovec name, struct iovec message, struct iovec stack) {
  static struct error_body body;
  body = (struct error_body){.code = code, .fatal = fatal, .name_bytes = name.length, .message_bytes = message.length, .stack_bytes = stack.length};
  struct iovec rest[3] = {name, message, stack};
  mark(MARK_RESPOND);
  current.answered = 1;
  if (net_is_serving()) {
    fail_request(code, name, message, stack);
    if (!fatal) return;
    /* The host has to know it too. */
    net_finish();
  }
  send(FRAME_ERROR, &body, sizeof body, rest, 3);
}

static struct iovec text_of(const char *text) { return (struct iovec){text, strlen(text)}; }

static void send_plain_error(enum error_code code, int fatal, const char *message) {
  send_error(code, fatal, text_of(""), text_of(message), text_of(""));
}

static void fail_timed_out(struct iovec stack) {
  char words[96];
  size_t n = format_words(words, sizeof words, "The handler did not settle within %u ms.", current.deadline_ms);
  send_error(ERROR_TIMEOUT, 0, text_of(""), (struct iovec){words, n}, stack);
}

void invoke_report_panic(const char *message) {
  net_abandon();
  if (channel()) send_plain_error(ERROR_CRASHED, 1, message);
}

/* --- called by the engine's imports --- */

int invoke_interrupted(void) {
  if (current.deadline_tsc == 0 || rdtsc() < current.deadline_tsc) return 0;
  current.timed_out = 1;
  current.deadline_tsc = rdtsc() + clock_ticks(GRACE_NS);
  return 1;
}

/* Sends a RESPONSE, or an ERROR when the body is longer than a frame may be. */
static void send_response(uint32_t status, uint32_t kind, struct iovec headers, struct iovec body) {
  static struct response_body fixed;
  if (headers.length + (uint64_t)body.length + FRAME_OVERHEAD > MAX_BODY) {
    char words[96];
    size_t n = format_words(words, sizeof words, "The response has %u bytes; at most %u can be sent.", body.length, 16u << 20);
    send_error(ERROR_UNSENDABLE, 0, text_of(""), (struct iovec){words, n}, text_of(""));
    return;
  }
  fixed = (struct response_body){.status = status, .kind = kind, .headers_bytes = headers.length, .body_bytes = body.length};
  struct iovec rest[2] = {headers, body};
  mark(MARK_RESPOND);
  current.answered = 1;
  if (net_is_serving()) {
    console_flush();
    net_respond(status, headers, body);
    return;
  }
  send(FRAME_RESPONSE, &fixed, sizeof fixed, rest, 2);
}

static const char no_memory_to_send[] = "There is not enough memory to send the response.";

void invoke_respond(uint32_t status, js_value headers, uint32_t kind, uint32_t body, uint32_t offset, uint32_t length) {
  if (current.answered) return;
  uint32_t headers_bytes, body_bytes = 0, text = 0;
  uint32_t headers_text = js_text(headers, &headers_bytes);
  struct iovec piece = {0, 0};
  if (kind == KIND_BYTES) {
    uint32_t slot = engine.w2c___stack_pointer -= 16;
    uint32_t data = Z_qjsZ_qjs_get_array_buffer(&engine, body, slot);
    engine.w2c___stack_pointer += 16;
    piece = (struct iovec){engine_at(data + offset), length};
  } else if (kind != KIND_NONE) {
    text = js_text(js_unbox(body), &body_bytes);
    piece = (struct iovec){engine_at(text), body_bytes};
  }
  if (!headers_text || (!text && (kind == KIND_JSON || kind == KIND_TEXT))) {
    send_plain_error(ERROR_OUT_OF_MEMORY, 0, no_memory_to_send);
  } else {
    send_response(status, kind, (struct iovec){engine_at(headers_text), headers_bytes}, piece);
  }
  js_free_text(text);
  js_free_text(headers_text);
}

/* The usual answer: status 200 and a JSON text. */
static void respond_json(js_value json) {
  uint32_t length, text = js_text(json, &length);
  if (text) send_response(200, KIND_JSON, text_of("{\"content-type\":\"application/json\"}"), (struct iovec){engine_at(text), length});
  else send_plain_error(ERROR_OUT_OF_MEMORY, 0, no_memory_to_send);
  js_free_text(text);
}

void invoke_fail(uint32_t code, js_value name, js_value message, js_value stack) {
  if (current.answered) return;
  js_value values[3] = {name, message, stack};
  uint32_t texts[3], length;
  struct iovec pieces[3];
  for (int i = 0; i < 3; i++) {
    texts[i] = js_text(values[i], &length);
    pieces[i] = (struct iovec){engine_at(texts[i]), length < MAX_ERROR_TEXT ? length : MAX_ERROR_TEXT};
  }
  /* An interrupt looks like an error of the engine; its place is worth keeping. */
  if (current.timed_out) fail_timed_out(pieces[2]);
  else send_error(code, 0, pieces[0], pieces[1], pieces[2]);
  for (int i = 0; i < 3; i++) js_free_text(texts[i]);
}

/* --- running a handler --- */

/* Calls the prelude to report the thrown value, and frees that value. `code`: a number of the ERROR frame, 0: the prelude decides. */
static void report(js_value error, enum error_code code) {
  marks[MARK_RETURNED] = rdtsc();
  /* Only the report remains; it may use the reserve. */
  engine_reserve_open = 1;
  if (engine_out_of_memory && code == 0) code = ERROR_OUT_OF_MEMORY;
  js_value result = js_call(js_unbox(config()->report), 2, error, js_make(JS_INT, code));
  js_free(error);
  if (js_tag(result) == JS_EXCEPTION) js_free(js_exception());
  js_free(result);
  if (current.answered) return;
  /* The prelude itself failed: out of memory, out of stack, or out of time. */
  if (current.timed_out) fail_timed_out(text_of(""));
  else if (engine_out_of_memory) send_plain_error(ERROR_OUT_OF_MEMORY, 0, "The function ran out of memory.");
  else send_plain_error(ERROR_THREW, 0, "The handler threw something that cannot be described.");
}

/* Runs the timers that are due, or sleeps until one is. Returns 0 when there are none: nothing will ever settle the handler. */
static int run_timers(void) {
  js_value result = js_call(js_unbox(config()->tick), 0, 0, 0);
  if (js_tag(result) == JS_EXCEPTION) {
    report(js_exception(), 0);
    return 1;
  }
  double delay_ms = js_number(result);
  js_free(result);
  if (Z_qjsZ_qjs_is_job_pending(&engine)) return 1;
  if (!(delay_ms >= 0)) return 0;
  uint64_t tsc = rdtsc(), sleep_ns = delay_ms > 60000 ? 60000000000ull : (uint64_t)(delay_ms * 1e6);
  if (current.deadline_tsc && tsc >= current.deadline_tsc) {
    fail_timed_out(text_of(""));
    return 1;
  }
  if (current.deadline_tsc) {
    uint64_t left_ns = clock_ns(current.deadline_tsc - tsc);
    if (left_ns < sleep_ns) sleep_ns = left_ns;
  }
  if (sleep_ns == 0) return 1;
  console_flush();
  net_sleep_for(sleep_ns);
  return 1;
}

/* Runs jobs and timers until the promise settles. Returns its value, which replaces `promise`, or JS_EXCEPTION after an answer. */
static js_value await_promise(js_value promise) {
  const js_value answered = js_make(JS_EXCEPTION, 0);
  int state;
  while ((state = js_promise_state(promise)) == 0 && !current.answered) {
    if (current.timed_out) {
      fail_timed_out(text_of(""));
    } else if (Z_qjsZ_qjs_is_job_pending(&engine)) {
      if ((int32_t)Z_qjsZ_qjs_execute_pending_job(&engine) < 0) report(js_exception(), 0);
    } else if (!run_timers() && !current.answered) {
      send_plain_error(ERROR_NEVER_SETTLED, 0, "The handler never settled: nothing is left to run, no promise job and no timer.");
    }
  }
  js_value result = current.answered ? answered : js_promise_result(promise);
  js_free(promise);
  if (current.answered || state == 1) return result;
  report(result, 0);
  return answered;
}

/* From the parsed event to the answer. */
static void run_handler(js_value event) {
  js_value value = js_call(js_unbox(config()->invoke), 1, event, 0);
  /* A second round when the settled value is an object with its own `then`, which the prelude wraps in a promise. */
  while (js_tag(value) != JS_EXCEPTION) {
    if (js_promise_state(value) >= 0) {
      value = await_promise(value);
      if (current.answered) return;
    }
    mark(MARK_RETURNED);
    engine_reserve_open = 1;
    js_value answer = js_call(js_unbox(config()->finish), 1, value, 0);
    js_free(value);
    value = answer;
    if (js_promise_state(value) >= 0) continue;
    if (js_tag(value) == JS_EXCEPTION || current.answered) break;
    respond_json(value);
    js_free(value);
    return;
  }
  if (js_tag(value) == JS_EXCEPTION) report(js_exception(), 0);
}

/* Removes all pending work of this invocation. Returns 1, or 0 when its jobs have no end. */
static int drain_jobs(void) {
  engine_reserve_open = 1;
  current.deadline_tsc = rdtsc() + clock_ticks(GRACE_NS);
  current.timed_out = 0;
  js_value result = js_call(js_unbox(config()->reset), 0, 0, 0);
  int clean = js_tag(result) != JS_EXCEPTION;
  while (clean && Z_qjsZ_qjs_is_job_pending(&engine)) {
    if ((int32_t)Z_qjsZ_qjs_execute_pending_job(&engine) < 0) js_free(js_exception());
    clean = rdtsc() < current.deadline_tsc && !current.timed_out;
  }
  engine_reserve_open = engine_out_of_memory = 0;
  return clean;
}

static void read_exactly(void *to, uint32_t count) {
  uint8_t *at = to;
  while (count > 0) {
    uint32_t got = channel()->read(at, count);
    at += got;
    count -= got;
    if (got > 0 || channel()->readable()) continue;
    console_flush();
    if (!channel()->readable()) cpu_sleep();
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

/* Begins an invocation: its answer has this id. */
static void begin(uint32_t id, uint64_t received) {
  current.id = id;
  current.answered = current.timed_out = 0;
  current.deadline_tsc = 0;
  for (int m = MARK_INVOKE; m < MARK_COUNT; m++) marks[m] = 0;
  marks[MARK_INVOKE] = received;
}

/* Runs the handler with the event of this JSON text, which is freed, and answers. */
static void run_event(uint32_t text, uint32_t bytes, uint32_t deadline_ms, uint64_t received) {
  static struct context crashed;
  int kind = context_save(&crashed);
  if (kind) {
    send_plain_error(ERROR_CRASHED, 1, crash_words[kind]);
    halt();
  }
  crash_handler = &crashed;
  js_value event = js_parse_json(text, bytes);
  Z_qjsZ_wasm_free(&engine, text);
  mark(MARK_HANDLER);
  if (js_tag(event) == JS_EXCEPTION) {
    report(js_exception(), ERROR_BAD_EVENT);
  } else {
    if (deadline_ms) {
      current.deadline_ms = deadline_ms;
      current.deadline_tsc = received + clock_ticks((uint64_t)deadline_ms * 1000000);
    }
    run_handler(event);
    js_free(event);
  }
  if (!drain_jobs()) {
    current.answered = 0;
    send_plain_error(ERROR_CRASHED, 1, "The function kept running after its invocation had ended.");
    halt();
  }
  crash_handler = 0;
}

static void handle_invoke(uint32_t id, uint32_t bytes) {
  struct invoke_body body;
  uint64_t received = rdtsc();
  begin(id, received);
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
  is_seeded = 1;

  uint32_t buffer = Z_qjsZ_wasm_malloc(&engine, event_bytes + 1);
  if (!buffer) {
    engine_out_of_memory = 0;
    skip(event_bytes);
    send_plain_error(ERROR_OUT_OF_MEMORY, 0, "There is not enough memory for the event.");
    return;
  }
  read_exactly(engine_at(buffer), event_bytes);
  *(uint8_t *)engine_at(buffer + event_bytes) = 0;
  run_event(buffer, event_bytes, body.deadline_ms, received);
}

/* Adds the host's variables to the function's environment. A guest without them would run as if they were not set: it ends instead. */
static void handle_environ(uint32_t bytes) {
  uint32_t buffer = Z_qjsZ_wasm_malloc(&engine, bytes + 1);
  if (!buffer) {
    send_plain_error(ERROR_OUT_OF_MEMORY, 1, "There is not enough memory for the environment.");
    halt();
  }
  read_exactly(engine_at(buffer), bytes);
  *(uint8_t *)engine_at(buffer + bytes) = 0;
  js_value added = js_parse_json(buffer, bytes);
  Z_qjsZ_wasm_free(&engine, buffer);
  js_value result = js_tag(added) == JS_EXCEPTION ? added : js_call(js_unbox(config()->add_env), 1, added, 0);
  if (js_tag(result) == JS_EXCEPTION) {
    send_plain_error(ERROR_PROTOCOL, 1, "The environment is not a JSON object of texts.");
    halt();
  }
  js_free(result);
  js_free(added);
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

#ifdef EMBER_NETWORK
/* Serves requests of the network until the channel has something. Before the host has sent a seed, random numbers could be guessed. */
static void serve_until_readable(void) {
  if (!is_seeded || !net_is_open()) return;
  while (!channel()->readable()) {
    struct iovec event;
    if (net_take_request(&event)) {
      uint64_t received = rdtsc();
      begin(0, received);
      run_event((uint64_t)event.base - EMBER_LINEAR_BASE, event.length, config()->timeout_ms, received);
      net_poll();
      continue;
    }
    console_flush();
    if (!channel()->readable()) net_sleep_for(UINT64_MAX);
  }
}
#else
static void serve_until_readable(void) {}
#endif

_Noreturn void invoke_loop(void) {
  static struct hello_body hello;
  mark(MARK_FUNCTION);
  hello = (struct hello_body){.version = PROTOCOL_VERSION, .heap_pages = engine_pages(), .max_pages = engine_max_pages()};
  send(FRAME_HELLO, &hello, sizeof hello, 0, 0);
  for (;;) {
    struct frame_header header;
    serve_until_readable();
    read_exactly(&header, sizeof header);
    current.id = header.id;
    if (header.version != PROTOCOL_VERSION || header.body_bytes > MAX_BODY) {
      /* The frame boundaries in the stream are lost; there is no way to find them again. */
      send_plain_error(ERROR_PROTOCOL, 1, "A frame of another protocol version, or one too long.");
      halt();
    }
    if (header.type == FRAME_INVOKE) handle_invoke(header.id, header.body_bytes);
    else if (header.type == FRAME_ENVIRON) handle_environ(header.body_bytes);
    else if (header.type == FRAME_PING && header.body_bytes >= 8) handle_ping(header.id, header.body_bytes);
    else {
      skip(header.body_bytes);
      send_plain_error(ERROR_PROTOCOL, 0, "A frame of unknown type.");
    }
  }
}
