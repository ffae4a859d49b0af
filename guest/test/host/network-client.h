/* What the network has in place of a guest and a card, and a client that speaks frames; for network.c and lease.c. */
#ifndef EMBER_NETWORK_CLIENT_H
#define EMBER_NETWORK_CLIENT_H

#include "../../net/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "../../dev/alone.h"
#include "../../dev/virtio-net.h"
#include "../../rt/format.h"
#include "check.h"

#define SYN 2
#define FIN 1
#define RST 4
#define ACK 16
#define MS 1000000ull

static const uint8_t own[6] = {0x52, 0x54, 0, 1, 2, 3}, peer[6] = {0x52, 0x55, 10, 0, 2, 2};
static uint64_t now_ns = 1000 * MS;

static void check(const char *what, int is_so) { CHECK(is_so, "%s", what); }

/* --- what the guest has otherwise --- */

/* Where a panic that a check waits for goes. */
static jmp_buf expected_panic;
static int is_panic_expected, is_by_itself;
static char last_words[512];

_Noreturn void panic(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(last_words, sizeof last_words, format, args);
  if (is_panic_expected) longjmp(expected_panic, 1);
  printf("panic: %s\n", last_words);
  exit(1);
}
void kprintf(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(last_words, sizeof last_words, format, args);
}
int is_alone(void) { return is_by_itself; }
const char *pages_command_line(uint32_t *bytes) { (void)bytes; return 0; }
uint64_t clock_boot_ns(void) { return now_ns; }
/* 1994-11-06 08:49:37, which RFC 9110 has as its example. */
uint64_t clock_wall_ns(void) { return 784111777ull * 1000 * MS; }
uint64_t pages_linear_limit(void) { return 34 << 20; }
void random_bytes(void *to, size_t count) {
  for (uint8_t *at = to; count > 0; count--) *at++ = rand();
}
void cpu_sleep(void) { now_ns += 250 * MS; }
void cpu_sleep_for(uint64_t ns) { now_ns += ns; }

/* --- the card: each received frame has a block of its own size, so that reading past it is seen --- */

#define QUEUED 512
static struct {
  uint8_t *bytes;
  uint32_t length;
} queue[QUEUED];
static uint32_t queued, taken;
static uint8_t *current;
static uint8_t sending[FRAME_MOST];
static uint32_t sent_frames;
/* The next machine does not say its address while this is set. */
static int is_withheld;
static uint32_t times_asked;
/* Ports of the connections that the guest has taken; it may say so more than once. */
static uint8_t is_taken[65536];
/* What the client has received: the connection's port, the next byte to expect, the text. */
static struct {
  uint16_t port;
  uint32_t seq, expected;
  int is_open, is_reset, is_finished;
  char text[65536];
  size_t length;
} client;

static void queue_frame(const void *bytes, uint32_t length) {
  if (queued - taken >= QUEUED) return;
  uint8_t *copy = malloc(length ? length : 1);
  memcpy(copy, bytes, length);
  queue[queued % QUEUED].bytes = copy;
  queue[queued++ % QUEUED].length = length;
}

int virtio_net_init(void) { return 1; }
const uint8_t *virtio_net_address(void) { return own; }
int virtio_net_has_frame(void) { return queued != taken; }
uint32_t virtio_net_receive(const uint8_t **frame) {
  free(current);
  current = 0;
  if (queued == taken) return 0;
  current = queue[taken % QUEUED].bytes;
  *frame = current;
  return queue[taken++ % QUEUED].length;
}
uint8_t *virtio_net_buffer(void) { return sending; }
void virtio_net_flush(void) {}

static uint16_t get16(const uint8_t *at) { return at[0] << 8 | at[1]; }
static uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }
static void put16(uint8_t *at, uint16_t value) { at[0] = value >> 8, at[1] = value; }
static void put32(uint8_t *at, uint32_t value) { put16(at, value >> 16), put16(at + 2, value); }

static uint32_t sum(const uint8_t *at, uint32_t length, uint32_t start) {
  for (uint32_t i = 0; i < length; i++) start += i % 2 ? at[i] : at[i] << 8;
  return start;
}
static uint16_t fold(uint32_t value) {
  while (value >> 16) value = (value & 0xffff) + (value >> 16);
  return ~value;
}

/* Fills in the checksums of a frame that may be anything. */
static void seal(uint8_t *frame, uint32_t length) {
  if (length < 54) return;
  uint8_t *ip = frame + 14;
  uint32_t head = (ip[0] & 15) * 4u;
  if (head < 20 || head + 20 > length - 14) return;
  put16(ip + 10, 0);
  put16(ip + 10, fold(sum(ip, head, 0)));
  uint8_t *tcp = ip + head;
  uint32_t bytes = length - 14 - head;
  put16(tcp + 16, 0);
  put16(tcp + 16, fold(sum(tcp, bytes, sum(ip + 12, 8, 6 + bytes))));
}

/* A frame to the guest's address from the next machine's, empty but for that. Returns where its content begins. */
static uint8_t *write_ip(uint8_t *frame, uint8_t protocol, uint32_t bytes) {
  memset(frame, 0, 34);
  memcpy(frame, own, 6);
  memcpy(frame + 6, peer, 6);
  put16(frame + 12, 0x0800);
  uint8_t *ip = frame + 14;
  ip[0] = 0x45;
  put16(ip + 2, 20 + bytes);
  ip[8] = 64;
  ip[9] = protocol;
  memcpy(ip + 12, (uint8_t[]){10, 0, 2, 2, 10, 0, 2, 15}, 8);
  return ip + 20;
}

/* A frame of the client's connection. Returns its length. */
static uint32_t write_tcp(uint8_t *frame, uint8_t flags, const void *data, uint32_t bytes) {
  uint8_t *tcp = write_ip(frame, 6, 20 + bytes);
  memset(tcp, 0, 20);
  put16(tcp, client.port);
  put16(tcp + 2, 8080);
  put32(tcp + 4, client.seq);
  put32(tcp + 8, flags & ACK ? client.expected : 0);
  tcp[12] = 0x50;
  tcp[13] = flags;
  put16(tcp + 14, 65535);
  if (bytes > 0) memcpy(tcp + 20, data, bytes);
  seal(frame, 54 + bytes);
  return 54 + bytes;
}

static void send_tcp(uint8_t flags, const void *data, uint32_t bytes) {
  uint8_t frame[FRAME_MOST];
  queue_frame(frame, write_tcp(frame, flags, data, bytes));
  client.seq += bytes + !!(flags & (SYN | FIN));
}

/* Says that the machine at 10.0.2.`host` is the peer. */
static void answer_arp_for(uint8_t host) {
  uint8_t frame[42] = {0};
  memcpy(frame, own, 6);
  memcpy(frame + 6, peer, 6);
  memcpy(frame + 12, (uint8_t[]){8, 6, 0, 1, 8, 0, 6, 4, 0, 2}, 10);
  memcpy(frame + 22, peer, 6);
  memcpy(frame + 28, (uint8_t[]){10, 0, 2, host}, 4);
  memcpy(frame + 32, own, 6);
  memcpy(frame + 38, (uint8_t[]){10, 0, 2, 15}, 4);
  queue_frame(frame, sizeof frame);
}

static void answer_arp(void) { answer_arp_for(2); }

/* A server's own, in network-server.h or lease.c. Returns 1 when the frame was for it. */
static int serve_frame(const uint8_t *ip);
/* Another machine has the guest's address while this is set. */
static int has_twin;
static uint32_t probes;

void virtio_net_send(uint32_t length) {
  sent_frames++;
  const uint8_t *ip = sending + 14, *tcp = ip + 20;
  if (get16(sending + 12) == 0x0806 && sending[21] == 1 && memcmp(sending + 38, (uint8_t[]){10, 0, 2, 2}, 4) == 0) {
    times_asked++;
    if (!is_withheld) answer_arp();
  }
  if (get16(sending + 12) == 0x0806 && sending[21] == 1 && get32(sending + 28) == 0) {
    probes++;
    if (has_twin) answer_arp_for(15);
  }
  if (get16(sending + 12) == 0x0800 && serve_frame(ip)) return;
  if (get16(sending + 12) == 0x0800 && ip[9] == 6 && length >= 54 && tcp[13] == (SYN | ACK)) is_taken[get16(tcp + 2)] = 1;
  if (get16(sending + 12) != 0x0800 || ip[9] != 6 || length < 54 || get16(tcp + 2) != client.port) return;
  uint8_t flags = tcp[13];
  uint32_t head = (tcp[12] >> 4) * 4u, bytes = get16(ip + 2) - 20 - head, seq = get32(tcp + 4);
  if (flags & RST) client.is_reset = 1;
  if (flags & SYN) {
    client.expected = seq + 1;
    client.is_open = 1;
    send_tcp(ACK, 0, 0);
    return;
  }
  if (seq != client.expected) return;
  if (bytes > 0 && client.length + bytes < sizeof client.text) {
    memcpy(client.text + client.length, tcp + head, bytes);
    client.text[client.length += bytes] = 0;
  }
  client.expected += bytes + (flags & FIN);
  if (flags & FIN) client.is_finished = 1;
  if (bytes > 0 || flags & FIN) send_tcp(ACK, 0, 0);
}

/* --- the client's doings --- */

static void run(void) {
  for (int i = 0; i < 8 || queued != taken; i++) {
    net_poll();
    now_ns += MS;
  }
}

static void begin(void) {
  static uint16_t port = 2000;
  memset(&client, 0, sizeof client);
  client.port = port++;
  client.seq = rand();
  send_tcp(SYN, 0, 0);
  run();
}

static void say(const char *text) {
  send_tcp(ACK, text, strlen(text));
  run();
}

static char event_text[65536];

/* Serves the next request as a function that answers "fine". Returns 1, or 0 when none waits. */
static int serve(void) {
  struct iovec event;
  if (!net_take_request(&event)) return 0;
  snprintf(event_text, sizeof event_text, "%s", (const char *)event.base);
  free((void *)event.base);
  net_respond(200, (struct iovec){"{}", 2}, (struct iovec){"fine", 4});
  run();
  return 1;
}

static int is_served(const char *text) {
  begin();
  if (client.is_open) say(text);
  return serve() && strstr(client.text, "200 OK") && strstr(client.text, "\r\n\r\nfine");
}

#define PLAIN "GET /a?b=c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static void waits_ms(uint64_t ms) {
  for (uint64_t i = 0; i < ms; i += 250) {
    now_ns += 250 * MS;
    net_poll();
  }
}

#endif
