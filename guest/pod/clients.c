#define _GNU_SOURCE
#include "clients.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Waiting requests stay in memory: beyond this number none are accepted. */
#define MOST_WAITING_BYTES (64u << 20)
/* A client that sends or takes nothing for this long is disconnected. */
#define IDLE_MS 60000
/* Clients of the function leave this many places to probes: a busy pod is not dead. */
#define PROBE_PLACES 8

/* The longest delay of `/started`: less than the five seconds that core/deploy/workload.ts lets a probe wait. */
#define HOLD_MS 4000

/* An event is JSON of at most 16 MiB; a larger body does not fit into one. */
static const struct request_limits limits = { .head = 64u << 10, .body = 16u << 20 };
static const struct answer_form closing = { false, false };

enum phase { FREE, READING, WAITING, RUNNING, WRITING, HELD };
struct client {
  enum phase phase;
  int fd;
  bool is_probe;
  uint64_t turn;
  int64_t touched_ms;
  struct buffer out;
  struct request request;
};

static struct client clients[MOST_CLIENTS];
static int listeners[2];
static uint64_t turns;
static struct state *state;

int listen_on(int port)
{
  struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
  struct sockaddr_in plain = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
  int on = 1, off = 0;
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int failed;

  if (fd >= 0) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    failed = bind(fd, (struct sockaddr *)&address, sizeof address);
  } else {
    /* A node without IPv6. */
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    failed = bind(fd, (struct sockaddr *)&plain, sizeof plain);
  }
  if (failed || listen(fd, 128))
    fail("port %d cannot be listened on: %s", port, strerror(errno));
  return fd;
}

void clients_open(struct state *of, const struct options *options)
{
  state = of;
  listeners[0] = options->forward_port ? -1 : listen_on(options->port);
  listeners[1] = listen_on(options->status_port);
}

static void drop(struct client *client)
{
  close(client->fd);
  buffer_free(&client->out);
  request_free(&client->request);
  memset(client, 0, sizeof *client);
}

static void begin_writing(struct client *client)
{
  request_free(&client->request);
  client->phase = WRITING;
}

static void refuse(struct client *client, int status, const char *why)
{
  answer_failure(&client->out, closing, status, NULL, 0, why, strlen(why));
  begin_writing(client);
}

static void add_marks(struct buffer *json)
{
  buffer_format(json, "{\"accel\":\"%s\",\"why\":", state->machine.is_kvm ? "kvm" : "tcg");
  buffer_json(json, state->why, strlen(state->why));
  buffer_format(json, ",\"startedNs\":\"%lld\",\"vmmNs\":\"%lld\",\"resumedNs\":\"%lld\",\"helloNs\":\"%lld\"",
          (long long)state->started_ns, (long long)state->vmm_ns, (long long)state->resumed_ns,
          (long long)state->hello_ns);
  buffer_format(json, ",\"firstRequestNs\":\"%lld\",\"firstAnsweredNs\":\"%lld\",\"counterHz\":\"%llu\"",
          (long long)state->first_request_ns, (long long)state->first_answered_ns,
          (unsigned long long)state->hz);
  buffer_format(json, ",\"spokeNs\":\"%lld\",\"helloCounter\":\"%llu\"", (long long)state->spoke_ns,
          (unsigned long long)state->hello_counter);
  buffer_format(json, ",\"restarts\":%u,\"requests\":%u,\"bootMarks\":", state->restarts, state->requests);
  buffer_add(json, state->boot_marks.data, state->boot_marks.length);
  if (state->boot_marks.length == 0)
    buffer_text(json, "[]");
  buffer_text(json, ",\"firstMarks\":");
  buffer_add(json, state->first_marks.data, state->first_marks.length);
  if (state->first_marks.length == 0)
    buffer_text(json, "[]");
  buffer_text(json, "}\n");
}

static bool is_ready_now(void)
{
  return state->hello_ns != 0 && !state->is_stopping && state->machine.pid > 0;
}

/* Ready: the guest has reported it. Started: the same, but an early probe waits until then. Alive: there is a
 * guest, or one is being started. */
static void answer_probe(struct client *client)
{
  const char *path = client->request.target;
  bool is_ready = is_ready_now();
  bool is_start = strcmp(path, "/started") == 0;

  if (is_start && !is_ready && !state->is_stopping && now_ms() - client->touched_ms < HOLD_MS) {
    client->phase = HELD;
    return;
  }
  if (is_start || strcmp(path, "/ready") == 0) {
    const char *words = is_ready ? "ready\n" : state->is_stopping ? "ending\n" : "the guest boots\n";

    answer_plain(&client->out, closing, is_ready ? 200 : 503, "text/plain", words, strlen(words));
  } else if (strcmp(path, "/live") == 0) {
    answer_plain(&client->out, closing, 200, "text/plain", "alive\n", 6);
  } else if (strcmp(path, "/marks") == 0) {
    struct buffer json = { 0 };

    add_marks(&json);
    answer_plain(&client->out, closing, 200, "application/json", (const char *)json.data, json.length);
    buffer_free(&json);
  } else {
    answer_plain(&client->out, closing, 404, "text/plain", "/started, /ready, /live or /marks\n", 34);
  }
  begin_writing(client);
}

static void accept_clients(int listener, bool is_probe)
{
  int on = 1;

  for (size_t i = is_probe ? 0 : PROBE_PLACES; i < MOST_CLIENTS; i++) {
    if (clients[i].phase != FREE)
      continue;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
      return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    clients[i] = (struct client){ .phase = READING, .fd = fd, .is_probe = is_probe, .touched_ms = now_ms() };
  }
}

static size_t waiting_bytes(void)
{
  size_t bytes = 0;

  for (size_t i = 0; i < MOST_CLIENTS; i++)
    bytes += clients[i].request.head.length + clients[i].request.body.length;
  return bytes;
}

static void take_request(struct client *client, const uint8_t *bytes, size_t length)
{
  size_t taken;

  switch (request_take(&client->request, bytes, length, limits, &taken)) {
  case PARSE_MORE:
    if (client->request.expects_continue && client->out.length == 0)
      buffer_text(&client->out, "HTTP/1.1 100 Continue\r\n\r\n");
    if (waiting_bytes() > MOST_WAITING_BYTES)
      refuse(client, 503, "too many requests wait");
    return;
  case PARSE_BAD:
    return refuse(client, 400, "this is not an HTTP request");
  case PARSE_TOO_LARGE:
    return refuse(client, 413, "the request is larger than an event may be");
  case PARSE_DONE:
    if (client->is_probe)
      return answer_probe(client);
    client->phase = WAITING;
    client->turn = ++turns;
    if (state->first_request_ns == 0)
      state->first_request_ns = wall_ns();
  }
}

static void read_client(struct client *client)
{
  uint8_t chunk[65536];
  ssize_t length = read(client->fd, chunk, sizeof chunk);

  if (length < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (length <= 0)
    return drop(client);
  client->touched_ms = now_ms();
  take_request(client, chunk, (size_t)length);
}

static void write_client(struct client *client)
{
  ssize_t sent = send(client->fd, client->out.data, client->out.length, MSG_NOSIGNAL | MSG_DONTWAIT);

  if (sent < 0 && errno != EAGAIN && errno != EINTR)
    return drop(client);
  if (sent > 0) {
    client->touched_ms = now_ms();
    buffer_drop(&client->out, (size_t)sent);
  }
  if (client->out.length == 0 && client->phase == WRITING) {
    shutdown(client->fd, SHUT_WR);
    drop(client);
  }
}

size_t clients_poll(struct pollfd *polled)
{
  polled[0] = (struct pollfd){ listeners[0], POLLIN, 0 };
  polled[1] = (struct pollfd){ listeners[1], POLLIN, 0 };
  bool has_room = false, has_probe_room = false;

  for (size_t i = 0; i < MOST_CLIENTS; i++) {
    struct client *client = &clients[i];
    short events = (short)((client->phase == READING ? POLLIN : 0) | (client->out.length ? POLLOUT : 0));

    polled[2 + i] = (struct pollfd){ client->phase == FREE ? -1 : client->fd, events, 0 };
    has_probe_room |= client->phase == FREE;
    has_room |= client->phase == FREE && i >= PROBE_PLACES;
  }
  if (!has_room)
    polled[0].fd = -1;
  if (!has_probe_room)
    polled[1].fd = -1;
  return 2 + MOST_CLIENTS;
}

void clients_take(const struct pollfd *polled)
{
  for (size_t i = 0; i < MOST_CLIENTS; i++) {
    struct client *client = &clients[i];
    short got = polled[2 + i].revents;

    if (client->phase == FREE)
      continue;
    if (client->phase == READING && got & (POLLIN | POLLHUP | POLLERR))
      read_client(client);
    if (client->phase == HELD && got & (POLLHUP | POLLERR))
      drop(client);
    else if (client->phase == HELD)
      answer_probe(client);
    if (client->phase != FREE && client->out.length > 0)
      write_client(client);
    else if (client->phase == READING && now_ms() - client->touched_ms > IDLE_MS)
      drop(client);
  }
  if (polled[0].revents)
    accept_clients(listeners[0], false);
  if (polled[1].revents)
    accept_clients(listeners[1], true);
}

static struct client *find(enum phase phase)
{
  struct client *found = NULL;

  for (size_t i = 0; i < MOST_CLIENTS; i++)
    if (clients[i].phase == phase && (!found || clients[i].turn < found->turn))
      found = &clients[i];
  return found;
}

void clients_send_next(const struct options *options)
{
  struct client *client = find(WAITING);
  struct buffer event = { 0 };

  if (!client)
    return;
  request_to_event(&client->request, &event);
  client->phase = RUNNING;
  state->is_invoking = true;
  state->invoke_deadline = now_ms() + options->timeout_ms;
  state->requests++;
  frame_invoke(&state->out, ++state->id, (uint32_t)options->timeout_ms, &event);
  buffer_free(&event);
}

void clients_answer(const struct frame *frame)
{
  struct client *client = find(RUNNING);
  bool is_fatal = false;

  state->is_invoking = false;
  if (!client)
    return;
  bool is_whole = frame->type == FRAME_RESPONSE ? answer_response(&client->out, frame->body, frame->length)
                  : answer_error(&client->out, frame->body, frame->length, &is_fatal);

  if (!is_whole)
    return refuse(client, 502, "the guest's answer is not whole, or has a status or headers that cannot be sent");
  begin_writing(client);
}

void clients_fail(int status, const char *why)
{
  struct client *client = find(RUNNING);

  state->is_invoking = false;
  if (client)
    refuse(client, status, why);
}

void clients_requeue(void)
{
  struct client *client = find(RUNNING);

  if (client)
    client->phase = WAITING;
}

bool clients_idle(void)
{
  for (size_t i = 0; i < MOST_CLIENTS; i++)
    if (clients[i].phase != FREE && !clients[i].is_probe)
      return false;
  return true;
}
