/* The network without a card: lwIP, its glue and the HTTP server, against a client that speaks frames, right ones and wrong ones. */
#define _GNU_SOURCE
#include "../../net/net.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "../../boot/config.h"
#include "../../dev/virtio-net.h"
#include "../../net/sizes.h"
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

_Noreturn void panic(const char *format, ...) {
  printf("panic: %s\n", format);
  exit(1);
}
uint64_t clock_boot_ns(void) { return now_ns; }
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

/* A frame of the client's connection. Returns its length. */
static uint32_t write_tcp(uint8_t *frame, uint8_t flags, const void *data, uint32_t bytes) {
  memset(frame, 0, 54);
  memcpy(frame, own, 6);
  memcpy(frame + 6, peer, 6);
  put16(frame + 12, 0x0800);
  uint8_t *ip = frame + 14, *tcp = ip + 20;
  ip[0] = 0x45;
  put16(ip + 2, 40 + bytes);
  ip[8] = 64;
  ip[9] = 6;
  memcpy(ip + 12, (uint8_t[]){10, 0, 2, 2, 10, 0, 2, 15}, 8);
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

static void answer_arp(void) {
  uint8_t frame[42] = {0};
  memcpy(frame, own, 6);
  memcpy(frame + 6, peer, 6);
  memcpy(frame + 12, (uint8_t[]){8, 6, 0, 1, 8, 0, 6, 4, 0, 2}, 10);
  memcpy(frame + 22, peer, 6);
  memcpy(frame + 28, (uint8_t[]){10, 0, 2, 2}, 4);
  memcpy(frame + 32, own, 6);
  memcpy(frame + 38, (uint8_t[]){10, 0, 2, 15}, 4);
  queue_frame(frame, sizeof frame);
}

void virtio_net_send(uint32_t length) {
  sent_frames++;
  const uint8_t *ip = sending + 14, *tcp = ip + 20;
  if (get16(sending + 12) == 0x0806 && sending[21] == 1 && memcmp(sending + 38, (uint8_t[]){10, 0, 2, 2}, 4) == 0) {
    times_asked++;
    if (!is_withheld) answer_arp();
  }
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

#define PLAIN "GET /a?b=c HTTP/1.1\r\nConnection: close\r\n\r\n"

static void waits_ms(uint64_t ms) {
  for (uint64_t i = 0; i < ms; i += 250) {
    now_ns += 250 * MS;
    net_poll();
  }
}

static int count_taken(const uint16_t ports[NET_CLIENTS_MOST]) {
  int count = 0;
  for (int i = 0; i < NET_CLIENTS_MOST; i++) count += is_taken[ports[i]];
  return count;
}

static void test_first_clients(void) {
  is_withheld = 1;
  check("the network opens", net_is_open());
  check("the gateway's address is asked for at once", times_asked == 1);
  uint16_t ports[NET_CLIENTS_MOST];
  for (int i = 0; i < NET_CLIENTS_MOST; i++) {
    begin();
    ports[i] = client.port;
  }
  int early = count_taken(ports);
  is_withheld = 0;
  answer_arp();
  run();
  check("100 clients that come before it is known are all taken once it is", early == 0 && count_taken(ports) == NET_CLIENTS_MOST);
  /* No client acknowledges but the last. */
  waits_ms(90000);
}

static void test_requests(void) {
  check("a request becomes an event, and its answer arrives", is_served(PLAIN) && strstr(event_text, "\"path\":\"/a\",\"query\":{\"b\":\"c\"}"));
  check("the connection is closed after it", client.is_finished && !client.is_reset);
  send_tcp(FIN | ACK, 0, 0);
  run();

  begin();
  const char *slow = "POST /slow HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: r\r\n\r\n";
  for (; *slow; slow++) say((char[]){*slow, 0});
  check("one that comes byte by byte, in chunks, is whole", serve() && strstr(event_text, "\"body\":\"abc\""));
  say("HEAD / HTTP/1.1\r\n\r\n");
  client.length = 0;
  check("the connection is kept, and HEAD has no body", serve() && strstr(client.text, "content-length: 4\r\n") && !strstr(client.text, "fine"));

  begin();
  say("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n");
  check("three in one segment are answered in order", serve() && serve() && serve() && strstr(event_text, "/3"));
}

static void test_endings(void) {
  begin();
  say("GET / HTTP/1.1\r\n\r\n");
  struct iovec event;
  int has_one = net_take_request(&event);
  free((void *)event.base);
  send_tcp(RST | ACK, 0, 0);
  run();
  int is_serving = net_is_serving();
  net_respond(200, (struct iovec){"{}", 2}, (struct iovec){"late", 4});
  check("a client that is gone before its answer is passed over", has_one && is_serving && !net_is_serving());

  begin();
  say("GET / HTTP/1.1\r\n");
  waits_ms(31000);
  run();
  check("a request that stops in its middle is refused after its time", strstr(client.text, " 408 ") != 0);
  waits_ms(3000);
  check("and its connection ends, whether the client closes or not", client.is_reset);

  begin();
  waits_ms(31000);
  check("a connection without a request ends after its time", client.is_reset);

  begin();
  say("POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc");
  send_tcp(FIN | ACK, 0, 0);
  run();
  check("half a request of a client that has closed is dropped", client.is_finished && !serve());
}

static void test_many(void) {
  for (int i = 0; i < NET_CLIENTS_MOST; i++) {
    begin();
    say("GET / HTTP/1.1\r\n\r\n");
    serve();
  }
  int is_first_served = strstr(client.text, "fine") != 0;
  check("100 connections are kept at once", is_first_served && !client.is_reset);
  check("a further one takes the place of one that is idle", is_served(PLAIN));
  for (int i = 0; i < 2 * NET_CLIENTS_MOST; i++) {
    begin();
    say("GET / HTTP/1.1\r\n");
  }
  check("without an idle one it is reset", client.is_reset);
  waits_ms(90000);
  check("and the places are free again after their time", is_served(PLAIN));
}

static void test_wrong_frames(void) {
  uint8_t frame[FRAME_MOST];
  for (uint32_t length = 0; length < 120; length++) {
    write_tcp(frame, ACK, "GET / HTTP/1.1\r\n\r\nand some more of the same kind, so that it is long enough", 76);
    queue_frame(frame, length);
    run();
  }
  check("frames that end too soon do no harm", is_served(PLAIN));
  uint32_t before = sent_frames;
  for (int i = 0; i < 60000; i++) {
    if (i % 500 == 0) begin();
    uint32_t length = write_tcp(frame, rand() % 8 ? ACK : rand(), "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabcdefghi", rand() % 46);
    for (int flips = rand() % 4; flips >= 0; flips--) frame[12 + rand() % (length - 12)] ^= 1 << rand() % 8;
    if (rand() % 2) seal(frame, length);
    if (rand() % 8 == 0) length -= rand() % length;
    queue_frame(frame, length);
    if (i % 100 == 0) {
      run();
      while (serve());
    }
  }
  run();
  while (serve());
  waits_ms(150000);
  check("60,000 frames with flipped bits do no harm", sent_frames > before && is_served(PLAIN));
  for (int i = 0; i < 20000; i++) {
    uint32_t length = rand() % FRAME_MOST;
    random_bytes(frame, length);
    memcpy(frame, own, 6);
    put16(frame + 12, i % 3 == 0 ? 0x0806 : 0x0800);
    frame[14] = 0x45;
    seal(frame, length);
    queue_frame(frame, length);
    if (i % 100 == 0) run();
  }
  run();
  check("nor do 20,000 frames of random bytes", is_served(PLAIN));
}

int main(void) {
  setbuf(stdout, 0);
  srand(7);
  if (mmap((void *)EMBER_CONFIG_BASE, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED) return 1;
  struct ember_config *c = (struct ember_config *)EMBER_CONFIG_BASE;
  *c = (struct ember_config){.address = 0x0f02000a, .netmask = 0x00ffffff, .gateway = 0x0202000a, .ports = {8080}};
  test_first_clients();
  test_requests();
  test_endings();
  test_many();
  test_wrong_frames();
  return 0;
}
