#define _GNU_SOURCE
#include "proxy.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One direction stops reading while this much waits for the other side. */
#define MOST_BUFFERED (256u << 10)
/* A kept connection that carries nothing for this long does not hold up the end. */
#define QUIET_MS 1000
/* A question to a guest that is not up yet is asked anew after this. */
#define ASK_MS 1000
/* The bytes of an unexpected answer that the log shows. */
#define ANSWER_SHOWN 32

enum { CLIENT, GUEST };
/* Side `i` of a pair: its socket, and the bytes that wait to be written to it. */
struct pair {
  bool used;
  int fd[2];		/* the guest's is -1 until the guest is ready */
  struct buffer out[2];
  bool ended[2];	/* has sent its last byte */
  bool shut[2];		/* has been given its last byte */
  int64_t touched_ms;
};

static struct pair pairs[MOST_PAIRS];
static int listener;
static struct state *state;
static const struct options *options;
/* The request that shows whether the guest is ready, and the beginning of its answer. Empty: its report is enough. */
static struct buffer question;
static const char *expected;

void proxy_open(struct state *of, const struct options *with, const struct buffer *variables,
    const struct buffer *arguments)
{
  state = of;
  options = with;
  listener = listen_on(options->port);
  if (!options->says_ready) {
    /* A program: a request without effect. */
    buffer_text(&question, "HEAD / HTTP/1.0\r\nHost: probe\r\n\r\n");
    expected = "HTTP/";
  } else if (variables->length > 0 || arguments->length > 0) {
    /* A function: core/runtimes/nanos/session/wire.ts. */
    buffer_text(&question, "FIRSTLIGHT/1\n{\"type\":\"env\",\"id\":0");
    if (variables->length > 0)
      buffer_text(&question, ",\"env\":");
    buffer_add(&question, variables->data, variables->length);
    if (arguments->length > 0)
      buffer_text(&question, ",\"args\":");
    buffer_add(&question, arguments->data, arguments->length);
    buffer_text(&question, "}\n");
    expected = "{\"type\":\"pong\"";
  }
}

static void drop(struct pair *pair)
{
  for (int side = 0; side < 2; side++) {
    if (pair->fd[side] >= 0)
      close(pair->fd[side]);
    buffer_free(&pair->out[side]);
  }
  pair->used = false;
}

void proxy_drop_all(void)
{
  for (size_t i = 0; i < MOST_PAIRS; i++)
    if (pairs[i].used)
      drop(&pairs[i]);
}

bool proxy_idle(void)
{
  for (size_t i = 0; i < MOST_PAIRS; i++)
    if (pairs[i].used && now_ms() - pairs[i].touched_ms < QUIET_MS)
      return false;
  return true;
}

static int connect_guest(void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)options->forward_port),
               .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  int on = 1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd < 0)
    return -1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS)
    return fd;
  close(fd);
  return -1;
}

static void accept_client(void)
{
  int on = 1;

  for (size_t i = 0; i < MOST_PAIRS; i++) {
    if (pairs[i].used)
      continue;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
      return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pairs[i] = (struct pair){ .used = true, .fd = { fd, -1 }, .touched_ms = now_ms() };
    if (state->first_request_ns == 0)
      state->first_request_ns = wall_ns();
    state->requests++;
  }
}

void proxy_poll(struct pollfd *polled)
{
  bool has_room = false;

  for (size_t i = 0; i < MOST_PAIRS; i++) {
    struct pair *pair = &pairs[i];

    has_room |= !pair->used;
    for (int side = 0; side < 2; side++) {
      bool reads = pair->used && !pair->ended[side] && pair->out[!side].length < MOST_BUFFERED;
      bool writes = pair->used && pair->out[side].length > 0;
      int fd = pair->used && (reads || writes) ? pair->fd[side] : -1;

      polled[2 + 2 * i + (size_t)side] = (struct pollfd){ fd, (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), 0 };
    }
  }
  polled[0] = (struct pollfd){ has_room ? listener : -1, POLLIN, 0 };
}

/* Reads what a side has sent. False: the connection is broken. */
static bool read_side(struct pair *pair, int side)
{
  static uint8_t chunk[65536];
  ssize_t length = read(pair->fd[side], chunk, sizeof chunk);

  if (length < 0)
    return errno == EAGAIN || errno == EINTR;
  pair->touched_ms = now_ms();
  if (length == 0)
    return pair->ended[side] = true;
  if (side == GUEST && state->first_answered_ns == 0)
    state->first_answered_ns = wall_ns();
  buffer_add(&pair->out[!side], chunk, (size_t)length);
  return true;
}

static bool write_side(struct pair *pair, int side)
{
  if (pair->fd[side] < 0)
    return true;
  if (pair->out[side].length > 0) {
    ssize_t sent = send(pair->fd[side], pair->out[side].data, pair->out[side].length, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0)
      return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
    pair->touched_ms = now_ms();
    buffer_drop(&pair->out[side], (size_t)sent);
  }
  if (pair->out[side].length == 0 && pair->ended[!side] && !pair->shut[side]) {
    shutdown(pair->fd[side], SHUT_WR);
    pair->shut[side] = true;
  }
  return true;
}

static void take_pair(struct pair *pair, const struct pollfd *polled)
{
  bool is_whole = true;

  if (pair->fd[GUEST] < 0 && state->hello_ns != 0)
    pair->fd[GUEST] = connect_guest();
  for (int side = 0; side < 2 && is_whole; side++)
    if (polled[side].fd >= 0 && polled[side].revents & (POLLIN | POLLHUP | POLLERR) && !pair->ended[side])
      is_whole = read_side(pair, side);
  for (int side = 0; side < 2 && is_whole; side++)
    is_whole = write_side(pair, side);
  /* A client that has gone needs no answer; one that only sends no more still waits for it. */
  if (!is_whole || (pair->shut[CLIENT] && pair->ended[GUEST]) || (pair->ended[CLIENT] && pair->fd[GUEST] < 0))
    drop(pair);
}

/* The connection that asks whether the guest is ready. */
static int asking = -1;
static size_t asked;
static int64_t asked_ms;

static void stop_asking(void)
{
  if (asking >= 0)
    close(asking);
  asking = -1;
}

/* Says once how the answer begins of what listens in the guest, and does not speak as it should. */
static void tell_answer(const char *answer, size_t length)
{
  static bool has_told;
  char text[4 * ANSWER_SHOWN + 1];
  size_t at = 0;

  if (has_told)
    return;
  has_told = true;
  for (size_t i = 0; i < length && i < ANSWER_SHOWN; i++) {
    unsigned char byte = (unsigned char)answer[i];
    bool is_plain = byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';

    at += (size_t)snprintf(text + at, sizeof text - at, is_plain ? "%c" : "\\x%02x", byte);
  }
  say("not ready: what the guest answers on its port is not %s; it begins with \"%.*s\"",
      options->says_ready ? "a function's" : "HTTP", (int)at, text);
}

/* True once the expected answer has begun to arrive. */
static bool ask(void)
{
  char answer[ANSWER_SHOWN];

  if (asking < 0) {
    asking = connect_guest();
    asked = 0;
    asked_ms = now_ms();
  }
  if (asking < 0)
    return false;
  ssize_t sent = send(asking, question.data + asked, question.length - asked, MSG_NOSIGNAL | MSG_DONTWAIT);

  if (sent > 0)
    asked += (size_t)sent;
  ssize_t length = recv(asking, answer, sizeof answer, MSG_DONTWAIT);

  if (length >= (ssize_t)strlen(expected) && memcmp(answer, expected, strlen(expected)) == 0)
    return true;
  if (length > 0)
    tell_answer(answer, (size_t)length);
  /* QEMU's network accepts before the guest does, and ends the connection when nobody listens there. */
  if (length >= 0 || (errno != EAGAIN && errno != EINTR && errno != ENOTCONN) || now_ms() - asked_ms > ASK_MS)
    stop_asking();
  return false;
}

void proxy_watch_start(void)
{
  if (state->hello_ns != 0 || state->machine.pid == 0)
    return stop_asking();
  if (options->says_ready && !state->has_said)
    return;
  if (question.length > 0 && !ask())
    return;
  stop_asking();
  state->hello_ns = wall_ns();
  say("ready %lld ms after QEMU's start", (long long)(state->hello_ns - state->vmm_ns) / 1000000);
}

void proxy_take(const struct pollfd *polled)
{
  for (size_t i = 0; i < MOST_PAIRS; i++)
    if (pairs[i].used)
      take_pair(&pairs[i], polled + 2 + 2 * i);
  if (polled[0].revents)
    accept_client();
}
