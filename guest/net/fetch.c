#include "fetch.h"

#include <string.h>

#include "../http/http.h"
#include "lwip/dns.h"
#include "lwip/priv/tcp_priv.h"
#include "net.h"
#include "sizes.h"
#include "stack.h"

/* The longest time until there is a connection, its name's address included. */
#define CONNECT_MS 10000

static const struct request_limits limits = {.head = 32768, .body = 8u << 20};

/* ADDRESSING: the guest has no address yet. FINISHED: the answer, or the failure, waits for the function to take it. */
enum fetch_phase { FREE, ADDRESSING, RESOLVING, CONNECTING, EXCHANGING, FINISHED };

struct fetch {
  enum fetch_phase phase;
  uint32_t id;
  char host[DNS_MAX_NAME_LENGTH];
  uint16_t port;
  /* Set until the connection is closed, which may be after the answer. */
  struct tcp_pcb *pcb;
  struct buffer request;
  /* Bytes of the request given to lwIP, and bytes that the server has acknowledged. */
  size_t given, taken;
  struct response response;
  enum fetch_failure failure;
  uint64_t began_ms, until_ms, turn;
};

static struct fetch fetches[NET_FETCHES_MOST];
static uint64_t turns;

static void finish(struct fetch *f, enum fetch_failure failure) {
  f->phase = FINISHED;
  f->failure = failure;
  f->turn = ++turns;
}

/* Closes the connection, if there is one. Not for lwIP's callbacks. */
static void disconnect(struct fetch *f) {
  struct tcp_pcb *pcb = f->pcb;
  f->pcb = 0;
  if (!pcb) return;
  tcp_arg(pcb, 0);
  tcp_recv(pcb, 0);
  tcp_sent(pcb, 0);
  tcp_err(pcb, 0);
  /* What is not acknowledged yet points to the request, which is freed. */
  if (f->failure != FETCH_FINE || f->taken < f->request.length || tcp_close(pcb) != ERR_OK) tcp_abort(pcb);
}

static void forget(struct fetch *f) {
  disconnect(f);
  buffer_free(&f->request);
  response_free(&f->response);
  memset(f, 0, sizeof *f);
}

/* Gives lwIP as much of the request as it takes. The bytes stay where they are until the server has acknowledged them. */
static void write_out(struct fetch *f) {
  while (f->given < f->request.length) {
    size_t left = f->request.length - f->given, room = tcp_sndbuf(f->pcb), take = left < room ? left : room;
    if (take > UINT16_MAX) take = UINT16_MAX;
    if (take == 0 || tcp_write(f->pcb, f->request.data + f->given, take, take < left ? TCP_WRITE_FLAG_MORE : 0) != ERR_OK) break;
    f->given += take;
  }
  tcp_output(f->pcb);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t error) {
  struct fetch *f = arg;
  (void)pcb;
  (void)error;
  if (f->phase != CONNECTING) return ERR_OK;
  f->phase = EXCHANGING;
  write_out(f);
  return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t count) {
  struct fetch *f = arg;
  (void)pcb;
  f->taken += count;
  if (f->phase == EXCHANGING) write_out(f);
  return ERR_OK;
}

/* Lets the response take one piece. */
static void feed(struct fetch *f, const void *bytes, size_t length) {
  size_t taken;
  enum parse_result result = response_take(&f->response, bytes, length, limits, &taken);
  if (response_is_short(&f->response)) finish(f, FETCH_NO_MEMORY);
  else if (result == PARSE_DONE) finish(f, FETCH_FINE);
  else if (result == PARSE_BAD) finish(f, FETCH_NOT_HTTP);
  else if (result == PARSE_TOO_LARGE) finish(f, FETCH_TOO_LARGE);
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error) {
  struct fetch *f = arg;
  (void)error;
  if (!p) {
    if (f->phase == EXCHANGING) finish(f, response_end(&f->response) == PARSE_DONE ? FETCH_FINE : FETCH_CUT_SHORT);
    return ERR_OK;
  }
  for (struct pbuf *piece = p; piece && f->phase == EXCHANGING; piece = piece->next) feed(f, piece->payload, piece->len);
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  /* A server that starts slowly waits for each acknowledgement, which lwIP would keep back for up to 250 ms. */
  if (f->phase == EXCHANGING) tcp_ack_now(pcb);
  return ERR_OK;
}

/* lwIP has freed the connection. */
static void on_error(void *arg, err_t error) {
  struct fetch *f = arg;
  if (!f) return;
  f->pcb = 0;
  if (f->phase == CONNECTING) finish(f, error == ERR_RST ? FETCH_REFUSED : FETCH_UNREACHABLE);
  else if (f->phase == EXCHANGING) finish(f, FETCH_RESET);
}

static void connect_to(struct fetch *f, const ip_addr_t *address) {
  struct tcp_pcb *pcb = tcp_new();
  f->phase = CONNECTING;
  if (!pcb) {
    finish(f, FETCH_NO_MEMORY);
    return;
  }
  f->pcb = pcb;
  tcp_arg(pcb, f);
  tcp_recv(pcb, on_received);
  tcp_sent(pcb, on_sent);
  tcp_err(pcb, on_error);
  tcp_nagle_disable(pcb);
  if (tcp_connect(pcb, address, f->port, on_connected) != ERR_OK) finish(f, FETCH_UNREACHABLE);
}

static struct fetch *find(uint32_t id) {
  for (struct fetch *f = fetches; f < fetches + NET_FETCHES_MOST; f++) {
    if (f->phase != FREE && f->id == id) return f;
  }
  return 0;
}

/* A name's address. The fetch that asked may have been cancelled, and its place be another's. */
static void on_resolved(const char *name, const ip_addr_t *address, void *arg) {
  struct fetch *f = find((uint32_t)(uintptr_t)arg);
  (void)name;
  if (!f || f->phase != RESOLVING) return;
  if (address) connect_to(f, address);
  else finish(f, FETCH_NO_ADDRESS);
}

static void resolve(struct fetch *f) {
  ip_addr_t address;
  f->phase = stack_has_address() ? RESOLVING : ADDRESSING;
  if (f->phase == ADDRESSING) return;
  err_t error = dns_gethostbyname(f->host, &address, on_resolved, (void *)(uintptr_t)f->id);
  if (error == ERR_OK) connect_to(f, &address);
  else if (error != ERR_INPROGRESS) finish(f, FETCH_NO_ADDRESS);
}

void net_fetch_begin(uint32_t id, struct iovec host, uint16_t port, struct iovec request, int is_head, uint32_t most_ms) {
  struct fetch *f = fetches;
  while (f < fetches + NET_FETCHES_MOST && f->phase != FREE) f++;
  /* The shim keeps count: one more is its mistake, and is never answered. */
  if (f == fetches + NET_FETCHES_MOST || find(id)) return;
  *f = (struct fetch){.id = id, .port = port, .response.is_head = is_head != 0, .began_ms = stack_now_ms()};
  f->until_ms = f->began_ms + most_ms;
  buffer_add(&f->request, request.base, request.length);
  if (f->request.is_short) {
    finish(f, FETCH_NO_MEMORY);
  } else if (!net_is_open()) {
    finish(f, FETCH_NO_NETWORK);
  } else if (host.length == 0 || host.length >= sizeof f->host || memchr(host.base, 0, host.length)) {
    finish(f, FETCH_NO_ADDRESS);
  } else {
    memcpy(f->host, host.base, host.length);
    resolve(f);
  }
  fetches_sweep();
  stack_flush();
}

/* The one that finished first; null when none has. */
static struct fetch *first_finished(void) {
  struct fetch *first = 0;
  for (struct fetch *f = fetches; f < fetches + NET_FETCHES_MOST; f++) {
    if (f->phase == FINISHED && (!first || f->turn < first->turn)) first = f;
  }
  return first;
}

int net_fetch_is_ready(void) { return first_finished() != 0; }

int net_fetch_is_pending(void) {
  for (struct fetch *f = fetches; f < fetches + NET_FETCHES_MOST; f++) {
    if (f->phase != FREE) return 1;
  }
  return 0;
}

int net_fetch_next(struct fetch_result *result) {
  const struct fetch *f = first_finished();
  if (!f) return 0;
  const struct request *message = &f->response.message;
  *result = (struct fetch_result){.id = f->id, .failure = f->failure};
  if (f->failure != FETCH_FINE) return 1;
  result->status = f->response.status;
  result->headers = (struct iovec){message->headers.data, message->headers.length};
  result->body = (struct iovec){message->body.data, message->body.length};
  return 1;
}

void net_fetch_cancel(uint32_t id) {
  struct fetch *f = find(id);
  if (!f) return;
  if (f->phase != FINISHED) f->failure = FETCH_CANCELLED;
  forget(f);
  stack_flush();
}

void net_fetch_cancel_all(void) {
  for (struct fetch *f = fetches; f < fetches + NET_FETCHES_MOST; f++) {
    if (f->phase != FREE) net_fetch_cancel(f->id);
  }
}

void fetches_sweep(void) {
  for (struct fetch *f = fetches; f < fetches + NET_FETCHES_MOST; f++) {
    if (f->phase == ADDRESSING) resolve(f);
    if (f->phase == FINISHED) disconnect(f);
  }
}

void fetches_look_after(uint64_t now) {
  static const enum fetch_failure late[] = {[ADDRESSING] = FETCH_NO_LEASE, [RESOLVING] = FETCH_NO_ADDRESS, [CONNECTING] = FETCH_UNREACHABLE};
  for (struct fetch *f = fetches; f < fetches + NET_FETCHES_MOST; f++) {
    if (f->phase == FREE || f->phase == FINISHED) continue;
    if (now >= f->until_ms) finish(f, FETCH_LATE);
    else if (f->phase != EXCHANGING && now - f->began_ms >= CONNECT_MS) finish(f, late[f->phase]);
  }
}
