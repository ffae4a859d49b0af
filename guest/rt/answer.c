/* The answers of invocations: frames to the host, or answers of the function's own server. guest/PROTOCOL.md describes the frames. */
#include "invocation.h"

#include "../boot/marks.h"
#include "../dev/channel.h"
#include "../dev/clock.h"
#include "../dev/console-port.h"
#include "../dev/timer.h"
#include "../net/net.h"
#include "format.h"
#include "invoke.h"
#include "json.h"
#include "memory.h"

#define MAX_ERROR_TEXT 65536
/* Upper limit for the fixed part and the marks. */
#define FRAME_OVERHEAD 4096

struct invocation current;

static void fill_clock(struct clock_block *clock, struct wire_mark *wire) {
  uint32_t count = 0;
  for (int i = 0; i < MARK_COUNT; i++) {
    if (marks[i]) wire[count++] = (struct wire_mark){i, 0, 0, marks[i]};
  }
  *clock = (struct clock_block){rdtsc(), clock_hz_known(), count, engine_pages(), engine_used_bytes()};
}

void send_frame(enum frame_type type, void *fixed, uint32_t fixed_bytes, const struct iovec *rest, int count) {
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

void send_error(enum error_code code, int fatal, struct iovec name, struct iovec message, struct iovec stack) {
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
  send_frame(FRAME_ERROR, &body, sizeof body, rest, 3);
}

struct iovec text_of(const char *text) { return (struct iovec){text, strlen(text)}; }

void send_plain_error(enum error_code code, int fatal, const char *message) {
  send_error(code, fatal, text_of(""), text_of(message), text_of(""));
}

void send_timed_out(struct iovec stack) {
  char words[96];
  size_t n = format_words(words, sizeof words, "The handler did not settle within %u ms.", current.deadline_ms);
  send_error(ERROR_TIMEOUT, 0, text_of(""), (struct iovec){words, n}, stack);
}

void invoke_report_panic(const char *message) {
  net_abandon();
  if (channel()) send_plain_error(ERROR_CRASHED, 1, message);
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
  send_frame(FRAME_RESPONSE, &fixed, sizeof fixed, rest, 2);
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

static struct iovec json_headers(void) {
  static const char text[] = "{\"content-type\":\"application/json\"}";
  return (struct iovec){text, sizeof text - 1};
}

void respond_json(js_value json) {
  uint32_t length, text = js_text(json, &length);
  if (text) send_response(200, KIND_JSON, json_headers(), (struct iovec){engine_at(text), length});
  else send_plain_error(ERROR_OUT_OF_MEMORY, 0, no_memory_to_send);
  js_free_text(text);
}

int respond_plain(js_value value) {
  uint32_t length, text = json_is_answer(value) ? json_of_plain(value, &length) : 0;
  if (!text) return 0;
  send_response(200, KIND_JSON, json_headers(), (struct iovec){engine_at(text), length});
  Z_qjsZ_wasm_free(&engine, text);
  return 1;
}

int invoke_respond_plain(uint32_t status, js_value headers, js_value body) {
  if (current.answered) return 0;
  uint32_t length, text = json_of_plain(body, &length);
  if (!text) return 0;
  int is_text = js_tag(headers) != JS_OBJECT;
  uint32_t headers_bytes, headers_text = is_text ? js_text(headers, &headers_bytes) : json_of_plain(headers, &headers_bytes);
  if (headers_text) send_response(status, KIND_JSON, (struct iovec){engine_at(headers_text), headers_bytes}, (struct iovec){engine_at(text), length});
  else send_plain_error(ERROR_OUT_OF_MEMORY, 0, no_memory_to_send);
  if (is_text) js_free_text(headers_text);
  else Z_qjsZ_wasm_free(&engine, headers_text);
  Z_qjsZ_wasm_free(&engine, text);
  return 1;
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
  if (current.timed_out) send_timed_out(pieces[2]);
  else send_error(code, 0, pieces[0], pieces[1], pieces[2]);
  for (int i = 0; i < 3; i++) js_free_text(texts[i]);
}
