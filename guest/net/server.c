/* HTTP/1.1 on the function's ports: when the network opens, sleeps and ends, and the request that is being served. */
#include "net.h"

#include <string.h>

#include "../boot/config.h"
#include "../boot/panic.h"
#include "../dev/clock.h"
#include "clients.h"
#include "fetch.h"
#include "stack.h"

/* The end of the guest waits this long for its clients. */
#define FINISH_MS 500
/* A sleep of the network while it fetches, and the time between two looks after the clients. */
#define TICK_MS 250

static enum { NOT_OPEN, OPEN, ABSENT } state;
static bool is_serving;

static void listen_on(uint16_t port) {
  struct tcp_pcb *pcb = tcp_new();
  if (!pcb || tcp_bind(pcb, IP_ADDR_ANY, port) != ERR_OK) panic("port %u cannot be listened on", port);
  pcb = tcp_listen(pcb);
  if (!pcb) panic("port %u cannot be listened on", port);
  tcp_accept(pcb, client_accept);
}

int net_is_open(void) {
  if (state != NOT_OPEN) return state == OPEN;
  state = ABSENT;
  if (!stack_open()) return 0;
  for (uint32_t i = 0; i < NET_PORTS_MOST && config()->ports[i]; i++) listen_on(config()->ports[i]);
  state = OPEN;
  /* The card's address is announced now: QEMU forgets a connection's first packet that waits for it, and repeats it 6 s later. */
  stack_flush();
  return 1;
}

void net_poll(void) {
  static uint64_t looked_ms;
  static size_t reserved_then;
  if (state != OPEN) return;
  stack_poll();
  clients_sweep();
  fetches_sweep();
  uint64_t now = stack_now_ms();
  bool has_room = clients_reserved_bytes() < reserved_then;
  reserved_then = clients_reserved_bytes();
  if (now - looked_ms >= TICK_MS || has_room) {
    looked_ms = now;
    clients_look_after(now);
    fetches_look_after(now);
    clients_sweep();
    fetches_sweep();
  }
  stack_flush();
}

void net_glance(void) {
  if (state == OPEN && stack_has_frame()) net_poll();
}

void net_sleep_for(uint64_t ns) {
  if (state == OPEN) {
    uint64_t now = stack_now_ms(), due = stack_due_ms();
    if (net_fetch_is_pending() && due > now + TICK_MS) due = now + TICK_MS;
    if (due < now) due = now;
    if (due != UINT64_MAX && ns > (due - now) * 1000000) ns = (due - now) * 1000000;
  }
  /* No interrupt comes for a frame that was there at the last poll. */
  if (state != OPEN || !stack_has_frame()) {
    if (ns == UINT64_MAX) cpu_sleep();
    else cpu_sleep_for(ns);
  }
  net_poll();
}

/* Nothing is served before the wall clock is set. */
uint64_t answer_seconds(void) { return clock_wall_ns() / 1000000000; }

int net_is_serving(void) { return is_serving; }

int net_take_request(struct iovec *event) {
  struct client *first = client_first_waiting();
  if (!first) return 0;
  struct buffer json = {0};
  buffer_reserve(&json, first->request.body.length + first->request.headers.length + 1024);
  request_to_event(&first->request, &json);
  buffer_add(&json, "", 1);
  if (json.is_short) {
    buffer_free(&json);
    client_refuse(first, 503, "the function has no memory for the request");
    stack_flush();
    return 0;
  }
  client_drop_request(first);
  first->phase = SERVED;
  client_served = first;
  is_serving = true;
  *event = (struct iovec){json.data, json.length - 1};
  return 1;
}

static const char unsendable[] = "The function's answer has a status or headers that cannot be sent.";
static const char no_memory[] = "There is not enough memory to send the response.";

void net_respond(uint32_t status, struct iovec headers, struct iovec body) {
  struct client *c = client_served;
  is_serving = false;
  if (!c) return;
  buffer_reserve(&c->out, headers.length + body.length + 256);
  if (!answer_function(&c->out, c->form, status, headers.base, headers.length, body.base, body.length))
    answer_failure(&c->out, c->form, 502, 0, 0, unsendable, sizeof unsendable - 1);
  if (c->out.is_short) {
    buffer_free(&c->out);
    answer_failure(&c->out, c->form, 500, 0, 0, no_memory, sizeof no_memory - 1);
  }
  client_answer(c);
  clients_sweep();
  stack_flush();
}

void net_fail(uint32_t status, struct iovec name, struct iovec message) {
  struct client *c = client_served;
  is_serving = false;
  if (!c) return;
  answer_failure(&c->out, c->form, status, name.base, name.length, message.base, message.length);
  client_answer(c);
  clients_sweep();
  stack_flush();
}

void net_finish(void) {
  if (state != OPEN) return;
  uint64_t until = stack_now_ms() + FINISH_MS;
  for (bool is_writing = true; is_writing && stack_now_ms() < until;) {
    is_writing = false;
    for (struct client *c = clients; c < clients + NET_CLIENTS_MOST; c++) is_writing |= c->phase == WRITING;
    if (is_writing) net_sleep_for(TICK_MS * 100000ull);
  }
}

void net_abandon(void) {
  state = ABSENT;
  is_serving = false;
}
