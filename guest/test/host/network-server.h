/* A server and a name server that speak frames, at the next machine's address, and the checks of what `fetch` does with them. For network.c alone. */
#ifndef EMBER_NETWORK_SERVER_H
#define EMBER_NETWORK_SERVER_H

#include "network-client.h"

#define SERVER_PORT 9000
#define UDP 17

/* What is sent for a question: the address, an error, nothing. */
static enum { KNOWN, UNKNOWN, SILENT } names;
/* What is sent for a connection. */
static enum { TAKES, REFUSES, IGNORES } manner;
static uint32_t questions;
static uint8_t question[512];
static uint32_t question_bytes;

static struct {
  uint16_t peer;
  uint32_t seq, expected;
  int is_open, is_reset, is_finished;
  char text[4096];
  size_t length;
} server;

/* Sends a segment of the server's connection to the guest. */
static void reply(uint8_t flags, const void *data, uint32_t bytes) {
  uint8_t frame[FRAME_MOST];
  uint8_t *tcp = write_ip(frame, 6, 20 + bytes);
  memset(tcp, 0, 20);
  put16(tcp, SERVER_PORT);
  put16(tcp + 2, server.peer);
  put32(tcp + 4, server.seq);
  put32(tcp + 8, server.expected);
  tcp[12] = 0x50;
  tcp[13] = flags;
  put16(tcp + 14, 65535);
  if (bytes > 0) memcpy(tcp + 20, data, bytes);
  seal(frame, 54 + bytes);
  queue_frame(frame, 54 + bytes);
  server.seq += bytes + !!(flags & (SYN | FIN));
}

/* An answer to the last question, whose bytes may be wrong ones. Returns its length. */
static uint32_t write_answer(uint8_t *frame) {
  static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 2, 2};
  uint32_t bytes = 8 + question_bytes + (names == KNOWN ? sizeof record : 0);
  uint8_t *udp = write_ip(frame, UDP, bytes), *message = udp + 8;
  memset(udp, 0, 8);
  put16(udp, 53);
  put16(udp + 2, get16(question));
  put16(udp + 4, bytes);
  memcpy(message, question + 2, question_bytes);
  put16(message + 2, names == KNOWN ? 0x8180 : 0x8183);
  put16(message + 6, names == KNOWN);
  if (names == KNOWN) memcpy(message + question_bytes, record, sizeof record);
  uint8_t *ip = frame + 14;
  put16(ip + 10, fold(sum(ip, 20, 0)));
  return 34 + bytes;
}

static void answer_question(const uint8_t *ip) {
  uint8_t frame[FRAME_MOST];
  questions++;
  question_bytes = get16(ip + 24) - 8;
  memcpy(question, ip + 20, 2);
  memcpy(question + 2, ip + 28, question_bytes);
  if (names != SILENT) queue_frame(frame, write_answer(frame));
}

static int serve_frame(const uint8_t *ip) {
  const uint8_t *tcp = ip + 20;
  if (ip[9] == UDP && get16(tcp + 2) == 53) {
    answer_question(ip);
    return 1;
  }
  if (ip[9] != 6 || get16(tcp + 2) != SERVER_PORT) return 0;
  uint8_t flags = tcp[13];
  if (flags & SYN) {
    if (manner == IGNORES) return 1;
    memset(&server, 0, sizeof server);
    server.peer = get16(tcp);
    server.seq = rand();
    server.expected = get32(tcp + 4) + 1;
    server.is_open = manner == TAKES;
    reply(manner == TAKES ? SYN | ACK : RST | ACK, 0, 0);
    return 1;
  }
  if (get16(tcp) != server.peer) return 1;
  if (flags & RST) server.is_reset = 1;
  uint32_t head = (tcp[12] >> 4) * 4u, bytes = get16(ip + 2) - 20 - head;
  if (get32(tcp + 4) != server.expected) return 1;
  if (bytes > 0 && server.length + bytes < sizeof server.text) {
    memcpy(server.text + server.length, tcp + head, bytes);
    server.text[server.length += bytes] = 0;
  }
  server.expected += bytes + (flags & FIN);
  if (flags & FIN) server.is_finished = 1;
  if (bytes > 0 || flags & FIN) reply(ACK, 0, 0);
  return 1;
}

/* --- fetches --- */

#define GET "GET / HTTP/1.1\r\n\r\n"

static void fetch(uint32_t id, const char *host, uint32_t most_ms) {
  net_fetch_begin(id, (struct iovec){host, strlen(host)}, SERVER_PORT, (struct iovec){GET, sizeof GET - 1}, 0, most_ms);
  run();
}

/* Begins one, has the server send this, and says what came of it by then. */
static enum fetch_failure fetched(const char *response, uint8_t flags) {
  struct fetch_result result;
  fetch(1, "10.0.2.2", 60000);
  if (response) reply(ACK, response, strlen(response));
  if (flags) reply(flags | ACK, 0, 0);
  run();
  int is_done = net_fetch_next(&result);
  net_fetch_cancel(1);
  run();
  return is_done ? result.failure : FETCH_CANCELLED;
}

static int is_failure(enum fetch_failure failure) {
  struct fetch_result result;
  int is_so = net_fetch_next(&result) && result.failure == failure;
  net_fetch_cancel_all();
  run();
  return is_so && !net_fetch_is_pending();
}

#define FINE "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"

static void test_fetch(void) {
  struct fetch_result result;
  fetch(7, "service.test", 60000);
  check("a name is asked for, and its request sent", questions == 1 && server.is_open && strcmp(server.text, GET) == 0);
  check("it is pending until the response is whole", net_fetch_is_pending() && !net_fetch_is_ready());
  const char *bytes = "HTTP/1.1 201 Made\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n";
  for (; *bytes; bytes++) {
    reply(ACK, bytes, 1);
    run();
  }
  check("a response that comes byte by byte is read", net_fetch_next(&result) && result.id == 7 && result.failure == FETCH_FINE && result.status == 201);
  check("with its headers and its body", result.body.length == 4 && memcmp(result.body.base, "fine", 4) == 0 && memcmp(result.headers.base, "x-a\0b", 6) == 0);
  check("and its connection is closed", server.is_finished && !server.is_reset);
  net_fetch_cancel(7);
  fetch(8, "service.test", 60000);
  reply(ACK, FINE, strlen(FINE));
  run();
  check("the address of a name is kept", questions == 1 && net_fetch_next(&result) && result.failure == FETCH_FINE);
  net_fetch_cancel(8);
  check("nothing is left of them", !net_fetch_is_pending() && !net_fetch_is_ready());
}

static void test_fetch_failures(void) {
  check("a connection that ends too early", fetched("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", FIN) == FETCH_CUT_SHORT);
  check("one that is reset", fetched("HTTP/1.1 200 OK\r\n", RST) == FETCH_RESET);
  check("one that ends the response", fetched("HTTP/1.1 200 OK\r\n\r\nwhole", FIN) == FETCH_FINE);
  check("what is not HTTP", fetched("SSH-2.0-OpenSSH\r\n\r\n", 0) == FETCH_NOT_HTTP && server.is_reset);
  check("a response that is said to be too large", fetched("HTTP/1.1 200 OK\r\nContent-Length: 8388609\r\n\r\n", 0) == FETCH_TOO_LARGE);
  manner = REFUSES;
  fetch(1, "10.0.2.2", 60000);
  check("a connection that is refused", is_failure(FETCH_REFUSED));
  manner = IGNORES;
  fetch(1, "10.0.2.2", 60000);
  waits_ms(9500);
  check("a server that is not there is waited for", !net_fetch_is_ready());
  waits_ms(1000);
  check("for 10 s", is_failure(FETCH_UNREACHABLE));
  manner = TAKES;
  fetch(1, "10.0.2.2", 30000);
  waits_ms(29000);
  check("a server that never answers is waited for", !net_fetch_is_ready());
  waits_ms(1500);
  check("as long as was said", is_failure(FETCH_LATE) && server.is_reset);
  names = UNKNOWN;
  fetch(1, "unknown.test", 60000);
  check("a name that does not exist", is_failure(FETCH_NO_ADDRESS));
  names = SILENT;
  fetch(1, "silent.test", 60000);
  waits_ms(11000);
  check("a name server that does not answer", is_failure(FETCH_NO_ADDRESS));
  fetch(1, "cancelled.test", 60000);
  net_fetch_cancel(1);
  names = KNOWN;
  uint8_t frame[FRAME_MOST];
  memset(&server, 0, sizeof server);
  queue_frame(frame, write_answer(frame));
  run();
  check("an answer for one that was cancelled", !server.is_open && !net_fetch_is_pending());
  static char long_name[300];
  memset(long_name, 'a', sizeof long_name - 1);
  fetch(1, long_name, 60000);
  check("a name that is too long", is_failure(FETCH_NO_ADDRESS));
  fetch(1, "", 60000);
  check("a name that is empty", is_failure(FETCH_NO_ADDRESS));
}

/* More than there are places for, bodies and heads without an end. */
static void test_fetch_limits(void) {
  for (uint32_t id = 1; id <= 2 * NET_FETCHES_MOST; id++) fetch(id, "10.0.2.2", 60000);
  net_fetch_cancel(NET_FETCHES_MOST + 1);
  net_fetch_cancel_all();
  run();
  check("one more than there are places is passed over, and all are free again", !net_fetch_is_pending() && server.is_reset);
  static char piece[1400];
  memset(piece, 'x', sizeof piece);
  fetch(1, "10.0.2.2", 60000);
  reply(ACK, "HTTP/1.1 200 OK\r\n\r\n", 19);
  int sent = 0;
  for (; sent < 10000 && !net_fetch_is_ready(); sent++) {
    reply(ACK, piece, sizeof piece);
    run();
  }
  check("a body without an end is refused beyond 8 MiB", sent > 5900 && sent < 6100 && is_failure(FETCH_TOO_LARGE));
  fetch(1, "10.0.2.2", 60000);
  reply(ACK, "HTTP/1.1 200 OK\r\n", 17);
  for (sent = 0; sent < 100 && !net_fetch_is_ready(); sent++) {
    reply(ACK, piece, sizeof piece);
    run();
  }
  check("so is a head beyond 32 KiB", sent < 30 && is_failure(FETCH_TOO_LARGE));
}

/* Whatever bytes come as answers and responses, the next fetch is fine. */
static void test_fetch_fuzz(void) {
  uint8_t frame[FRAME_MOST];
  char host[] = "name-0000.test", response[sizeof FINE];
  for (int i = 0; i < 5000; i++) {
    names = SILENT;
    snprintf(host, sizeof host, "name-%d.test", i);
    fetch(1, host, 60000);
    names = i % 3 ? KNOWN : UNKNOWN;
    uint32_t length = write_answer(frame);
    for (int flips = rand() % 5; flips > 0; flips--) frame[34 + 8 + rand() % (length - 42)] ^= 1 << rand() % 8;
    if (rand() % 4 == 0) length -= rand() % (length - 34);
    queue_frame(frame, length);
    run();
    if (server.is_open) {
      memcpy(response, FINE, sizeof FINE);
      for (int flips = rand() % 3; flips > 0; flips--) response[rand() % (sizeof FINE - 1)] ^= 1 << rand() % 8;
      reply(ACK, response, sizeof FINE - 1);
      if (rand() % 2) reply((rand() % 2 ? FIN : RST) | ACK, 0, 0);
      run();
    }
    net_fetch_cancel_all();
    memset(&server, 0, sizeof server);
    run();
  }
  names = KNOWN;
  waits_ms(150000);
  check("5,000 answers of a name server and responses with flipped bits do no harm", fetched(FINE, 0) == FETCH_FINE);
}

#endif
