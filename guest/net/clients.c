#include "clients.h"

#include <string.h>

#include "../mm/pages.h"
#include "lwip/priv/tcp_priv.h"
#include "stack.h"

/* A client that sends or takes nothing for this long is disconnected. */
#define IDLE_MS 30000
/* The longest that a request may take to arrive, however steadily it comes. */
#define ARRIVAL_MS 120000
/* The longest that a client may go on sending after its last answer. */
#define DRAIN_MS 2000
/* Requests that arrive or wait take at most this part of linear memory together; a chunked one counts as this many bytes at least. */
#define MEMORY_SHARE 4
#define CHUNKED_BYTES (1u << 20)
#define PIECES_MOST 16

static const struct request_limits limits = {.head = 16384, .body = 8u << 20};

struct client clients[NET_CLIENTS_MOST];
struct client *client_served;
static uint64_t turns;
static size_t reserved;
/* A client is TO_CLOSE or TO_ABORT. */
static bool has_ended;

size_t clients_reserved_bytes(void) { return reserved; }

/* guest/http asks: a short buffer is looked at where it was filled. */
void buffer_no_memory(void) {}

static bool is_short(const struct client *c) {
  const struct request *r = &c->request;
  return r->head.is_short || r->headers.is_short || r->body.is_short || (r->phase != REQUEST_HEAD && !r->target);
}

void client_drop_request(struct client *c) {
  request_free(&c->request);
  reserved -= c->reserved;
  c->reserved = 0;
}

/* Frees what a client has. Its connection is closed or gone. */
static void forget(struct client *c) {
  client_drop_request(c);
  buffer_free(&c->out);
  if (c->rest) pbuf_free(c->rest);
  if (client_served == c) client_served = 0;
  memset(c, 0, sizeof *c);
}

static void end(struct client *c, enum phase how) {
  if (client_served == c) client_served = 0;
  c->phase = how;
  has_ended = true;
}

void clients_sweep(void) {
  if (!has_ended) return;
  has_ended = false;
  for (struct client *c = clients; c < clients + NET_CLIENTS_MOST; c++) {
    if (c->phase != TO_CLOSE && c->phase != TO_ABORT) continue;
    struct tcp_pcb *pcb = c->pcb;
    bool is_abort = c->phase == TO_ABORT;
    forget(c);
    tcp_arg(pcb, 0);
    tcp_recv(pcb, 0);
    tcp_sent(pcb, 0);
    tcp_err(pcb, 0);
    if (is_abort || tcp_close(pcb) != ERR_OK) tcp_abort(pcb);
  }
}

/* Gives lwIP as much of the answer as it takes. The bytes stay where they are until the client has acknowledged them. */
static void write_out(struct client *c) {
  while (c->given < c->out.length) {
    size_t left = c->out.length - c->given, room = tcp_sndbuf(c->pcb), take = left < room ? left : room;
    if (take > UINT16_MAX) take = UINT16_MAX;
    if (take == 0 || tcp_write(c->pcb, c->out.data + c->given, take, take < left ? TCP_WRITE_FLAG_MORE : 0) != ERR_OK) break;
    c->given += take;
  }
  tcp_output(c->pcb);
}

void client_answer(struct client *c) {
  client_drop_request(c);
  c->phase = WRITING;
  c->touched_ms = stack_now_ms();
  if (client_served == c) client_served = 0;
  if (c->out.is_short) end(c, TO_ABORT);
  else write_out(c);
}

void client_refuse(struct client *c, int status, const char *why) {
  c->form.is_kept = false;
  answer_failure(&c->out, c->form, status, 0, 0, why, strlen(why));
  client_answer(c);
}

/* Counts the memory of a request. Returns 0 when it has to wait for others. */
static bool reserve(struct client *c) {
  size_t most = pages_linear_limit() / MEMORY_SHARE;
  const struct request *r = &c->request;
  size_t wanted = r->phase == REQUEST_HEAD || r->phase == REQUEST_DONE ? 0 : r->phase == REQUEST_BODY ? r->body.length + r->left : CHUNKED_BYTES;
  /* A chunked body grows as it comes. */
  if (wanted < r->body.capacity) wanted = r->body.capacity;
  if (wanted <= c->reserved) return true;
  if (reserved - c->reserved + wanted > most && reserved > c->reserved) return false;
  reserved += wanted - c->reserved;
  c->reserved = wanted;
  if (r->phase == REQUEST_BODY) buffer_reserve(&c->request.body, wanted);
  return true;
}

static void finish_request(struct client *c) {
  c->form = (struct answer_form){!c->request.is_last && !c->is_half_closed, strcmp(c->request.method, "HEAD") == 0};
  c->phase = WAITING;
  c->turn = ++turns;
}

/* Lets a request take bytes. Returns how many it took, also when it was refused. */
static size_t feed(struct client *c, const void *bytes, size_t length) {
  size_t taken = 0;
  enum request_phase before = c->request.phase;
  if (!reserve(c)) return 0;
  if (c->request.phase == REQUEST_HEAD && c->request.head.length == 0) c->began_ms = stack_now_ms();
  enum parse_result result = request_take(&c->request, bytes, length, limits, &taken);
  if (result == PARSE_BAD) client_refuse(c, 400, "this is not an HTTP request");
  else if (result == PARSE_TOO_LARGE) client_refuse(c, 413, "the request is larger than a function's event may be");
  else if (is_short(c)) client_refuse(c, 503, "the function has no memory for the request");
  else if (result == PARSE_DONE) finish_request(c);
  else if (before == REQUEST_HEAD && c->request.phase != REQUEST_HEAD && c->request.expects_continue) {
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (tcp_write(c->pcb, text, sizeof text - 1, TCP_WRITE_FLAG_COPY) == ERR_OK) c->uncounted += sizeof text - 1;
    tcp_output(c->pcb);
  }
  return taken;
}

/* Takes what has arrived, as far as the client's phase and the memory allow. */
static void read_rest(struct client *c) {
  while (c->rest && c->phase == READING) {
    struct pbuf *p = c->rest;
    size_t taken = feed(c, p->payload, p->len);
    if (taken == 0 && c->phase == READING) return;
    tcp_recved(c->pcb, taken);
    if (taken < p->len) {
      c->rest = pbuf_free_header(p, taken);
      continue;
    }
    c->rest = pbuf_dechain(p);
    pbuf_free(p);
  }
}

/* Passes over what has arrived. */
static void drain(struct client *c) {
  if (!c->rest) return;
  tcp_recved(c->pcb, c->rest->tot_len);
  pbuf_free(c->rest);
  c->rest = 0;
}

static void end_reading(struct client *c) {
  c->is_half_closed = true;
  if (c->phase == DRAINING) end(c, TO_CLOSE);
  /* A client may close its half once it has sent its request, and wait for the answer. */
  else if (c->phase == READING && !c->rest) end(c, TO_CLOSE);
  else c->form.is_kept = false;
}

/* Keeps bytes that are not read yet. What came in small pieces is joined: each piece takes memory of its own. */
static void keep(struct client *c, struct pbuf *p) {
  if (!c->rest) {
    c->rest = p;
    return;
  }
  pbuf_cat(c->rest, p);
  if (pbuf_clen(c->rest) < PIECES_MOST) return;
  struct pbuf *joined = pbuf_clone(PBUF_RAW, PBUF_RAM, c->rest);
  if (!joined) {
    end(c, TO_ABORT);
    return;
  }
  pbuf_free(c->rest);
  c->rest = joined;
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error) {
  struct client *c = arg;
  (void)error;
  if (!p) {
    end_reading(c);
    return ERR_OK;
  }
  keep(c, p);
  if (c->phase == DRAINING) drain(c);
  else c->touched_ms = stack_now_ms();
  read_rest(c);
  /* A sender that starts slowly waits for each acknowledgement, which lwIP would keep back for up to 250 ms. */
  if (c->phase == READING) tcp_ack_now(pcb);
  return ERR_OK;
}

/* Prepares for the next request of a connection that is kept. */
static void begin_again(struct client *c) {
  buffer_free(&c->out);
  c->given = c->taken = 0;
  c->phase = READING;
  c->has_answered = true;
  read_rest(c);
  if (c->phase == READING && c->is_half_closed) end(c, TO_CLOSE);
}

/* Closes this half of the connection, and waits for the client to close its own. */
static void begin_draining(struct client *c) {
  c->phase = DRAINING;
  drain(c);
  if (c->is_half_closed || tcp_shutdown(c->pcb, 0, 1) != ERR_OK) end(c, TO_CLOSE);
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t count) {
  struct client *c = arg;
  (void)pcb;
  c->touched_ms = stack_now_ms();
  size_t other = count < c->uncounted ? count : c->uncounted;
  c->uncounted -= other;
  c->taken += count - other;
  if (c->taken < c->out.length) {
    write_out(c);
  } else if (c->phase == WRITING) {
    if (c->form.is_kept) begin_again(c);
    else begin_draining(c);
  }
  return ERR_OK;
}

/* lwIP has freed the connection. */
static void on_error(void *arg, err_t error) {
  struct client *c = arg;
  (void)error;
  if (c) forget(c);
}

/* A free place, or that of the client which has asked for nothing for the longest time. */
static struct client *place(void) {
  struct client *idle = 0;
  for (struct client *c = clients; c < clients + NET_CLIENTS_MOST; c++) {
    if (c->phase == FREE) return c;
    bool is_idle = c->phase == READING && c->has_answered && c->request.phase == REQUEST_HEAD && c->request.head.length == 0;
    if (is_idle && (!idle || c->touched_ms < idle->touched_ms)) idle = c;
  }
  if (!idle) return 0;
  end(idle, TO_ABORT);
  clients_sweep();
  return idle;
}

err_t client_accept(void *arg, struct tcp_pcb *pcb, err_t error) {
  (void)arg;
  if (error != ERR_OK || !pcb) return ERR_VAL;
  struct client *c = place();
  if (c) {
    *c = (struct client){.phase = READING, .pcb = pcb, .touched_ms = stack_now_ms(), .began_ms = stack_now_ms()};
    tcp_arg(pcb, c);
    tcp_recv(pcb, on_received);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    tcp_nagle_disable(pcb);
    return ERR_OK;
  }
  tcp_abort(pcb);
  return ERR_ABRT;
}

struct client *client_first_waiting(void) {
  struct client *first = 0;
  for (struct client *c = clients; c < clients + NET_CLIENTS_MOST; c++) {
    if (c->phase == WAITING && (!first || c->turn < first->turn)) first = c;
  }
  return first;
}

void clients_look_after(uint64_t now) {
  for (struct client *c = clients; c < clients + NET_CLIENTS_MOST; c++) {
    if (c->phase == READING) read_rest(c);
    if (c->phase == DRAINING && now - c->touched_ms > DRAIN_MS) end(c, TO_ABORT);
    if (c->phase != READING && c->phase != WRITING) continue;
    bool has_begun = c->request.phase != REQUEST_HEAD || c->request.head.length > 0;
    if (c->phase == READING && has_begun && (now - c->touched_ms > IDLE_MS || now - c->began_ms > ARRIVAL_MS))
      client_refuse(c, 408, "the request took too long to arrive");
    else if (now - c->touched_ms > IDLE_MS) end(c, TO_ABORT);
  }
}
