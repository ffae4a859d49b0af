#include "invoke.h"

#include "../boot/config.h"
#include "../boot/marks.h"
#include "../boot/panic.h"
#include "../dev/alone.h"
#include "../dev/channel.h"
#include "../dev/clock.h"
#include "../dev/console-port.h"
#include "../dev/timer.h"
#include "../net/net.h"
#include "engine.h"
#include "format.h"
#include "frames.h"
#include "invocation.h"
#include "random.h"

/* 1 once the host has sent its clock and a seed. */
static int is_seeded;

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

/* Takes the host's clock and random bytes. `received`: the counter when the frame that brought them was read. */
static void take_seed(uint64_t wall_ns, uint64_t tsc_hz, const uint8_t seed[32], uint64_t received) {
  clock_hint(tsc_hz);
  clock_set_wall(wall_ns, received);
  random_seed(seed);
  is_seeded = 1;
}

static void handle_invoke(uint32_t id, uint32_t bytes) {
  struct invoke_body body;
  uint64_t received = rdtsc();
  begin_invocation(id, received);
  if (bytes < sizeof body) {
    skip(bytes);
    send_plain_error(ERROR_PROTOCOL, 0, "An INVOKE frame is shorter than its fixed part.");
    return;
  }
  read_exactly(&body, sizeof body);
  uint32_t event_bytes = bytes - sizeof body;
  take_seed(body.wall_ns, body.tsc_hz, body.seed, received);

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

/* Gives the function the host's variables or arguments. A guest without them would run as if they were not set: it ends instead. */
static void handle_environ(uint32_t bytes) {
  uint32_t buffer = Z_qjsZ_wasm_malloc(&engine, bytes + 1);
  if (!buffer) {
    send_plain_error(ERROR_OUT_OF_MEMORY, 1, "There is not enough memory for the environment.");
    halt();
  }
  read_exactly(engine_at(buffer), bytes);
  *(uint8_t *)engine_at(buffer + bytes) = 0;
  js_value given = js_parse_json(buffer, bytes);
  Z_qjsZ_wasm_free(&engine, buffer);
  js_value result = js_tag(given) == JS_EXCEPTION ? given : js_call(js_unbox(config()->take_environ), 1, given, 0);
  if (js_tag(result) == JS_EXCEPTION) {
    send_plain_error(ERROR_PROTOCOL, 1, "The environment is no JSON object of texts, and no array of them.");
    halt();
  }
  js_free(result);
  js_free(given);
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
static void handle_seed(void) {
  struct seed_body body;
  uint64_t received = rdtsc();
  read_exactly(&body, sizeof body);
  take_seed(body.wall_ns, body.tsc_hz, body.seed, received);
}

static void seed_itself(void) {
  uint8_t seed[32];
  uint64_t wall_ns;
  alone_seed(seed, &wall_ns);
  take_seed(wall_ns, 0, seed, rdtsc());
}

/* Perhaps nobody is there to send a seed. One that comes is mixed into this one. */
static void start_resident(void) {
  if (alone_has_random()) seed_itself();
  else kprintf("this machine's processor gives no random numbers (RDRAND): the function serves once Firstlight has called it\n");
}

/* Nobody is there to send a seed, nor to be answered otherwise than by the network. */
static void start_alone(void) {
  seed_itself();
  if (!net_is_open()) panic("there is no virtio network card, by which a guest on its own serves");
}

/* Serves requests of the network until the channel has something. Before the host has sent a seed, random numbers could be guessed. */
static void serve_until_readable(void) {
  if (!is_seeded || !net_is_open()) return;
  while (!channel()->readable()) {
    struct iovec event;
    if (net_take_request(&event)) {
      uint64_t received = rdtsc();
      begin_invocation(0, received);
      run_event((uint64_t)event.base - EMBER_LINEAR_BASE, event.length, config()->timeout_ms, received);
      net_poll();
      continue;
    }
    console_flush();
    if (!channel()->readable()) net_sleep_for(UINT64_MAX);
  }
}
#else
static void start_alone(void) { panic("a function on its own needs the network: give it \"ports\" in firstlight.json"); }
static void start_resident(void) {}
static void serve_until_readable(void) {}
#endif

_Noreturn void invoke_loop(void) {
  static struct hello_body hello;
  mark(MARK_FUNCTION);
  hello = (struct hello_body){.version = PROTOCOL_VERSION, .heap_pages = engine_pages(), .max_pages = engine_max_pages()};
  send_frame(FRAME_HELLO, &hello, sizeof hello, 0, 0);
  if (is_alone()) start_alone();
  else if (is_resident()) start_resident();
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
#ifdef EMBER_NETWORK
    else if (header.type == FRAME_SEED && header.body_bytes == sizeof(struct seed_body)) handle_seed();
#endif
    else if (header.type == FRAME_PING && header.body_bytes >= 8) handle_ping(header.id, header.body_bytes);
    else {
      skip(header.body_bytes);
      send_plain_error(ERROR_PROTOCOL, 0, "A frame of unknown type.");
    }
  }
}
