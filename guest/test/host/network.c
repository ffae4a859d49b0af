/* The network without a card: lwIP, its glue and the HTTP server, against a client that speaks frames, right ones and wrong ones. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include "../../boot/config.h"
#include "../../net/sizes.h"
#include "network-server.h"

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
  const char *slow = "POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: r\r\n\r\n";
  for (; *slow; slow++) say((char[]){*slow, 0});
  check("one that comes byte by byte, in chunks, is whole", serve() && strstr(event_text, "\"body\":\"abc\""));
  say("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  client.length = 0;
  check("the connection is kept, and HEAD has no body", serve() && strstr(client.text, "content-length: 4\r\n") && !strstr(client.text, "fine"));

  begin();
  say("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
  check("three in one segment are answered in order", serve() && serve() && serve() && strstr(event_text, "/3"));
}

static void test_endings(void) {
  begin();
  say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  struct iovec event;
  int has_one = net_take_request(&event);
  free((void *)event.base);
  send_tcp(RST | ACK, 0, 0);
  run();
  int is_serving = net_is_serving();
  net_respond(200, (struct iovec){"{}", 2}, (struct iovec){"late", 4});
  check("a client that is gone before its answer is passed over", has_one && is_serving && !net_is_serving());

  begin();
  say("GET / HTTP/1.1\r\nHost: a\r\n");
  waits_ms(31000);
  run();
  check("a request that stops in its middle is refused after its time", strstr(client.text, " 408 ") != 0);
  waits_ms(3000);
  check("and its connection ends, whether the client closes or not", client.is_reset);

  begin();
  waits_ms(31000);
  check("a connection without a request ends after its time", client.is_reset);

  begin();
  say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
  send_tcp(FIN | ACK, 0, 0);
  run();
  check("half a request of a client that has closed is dropped", client.is_finished && !serve());
}

static void test_many(void) {
  for (int i = 0; i < NET_CLIENTS_MOST; i++) {
    begin();
    say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    serve();
  }
  int is_first_served = strstr(client.text, "fine") != 0;
  check("100 connections are kept at once", is_first_served && !client.is_reset);
  check("a further one takes the place of one that is idle", is_served(PLAIN));
  for (int i = 0; i < 2 * NET_CLIENTS_MOST; i++) {
    begin();
    say("GET / HTTP/1.1\r\nHost: a\r\n");
  }
  check("without an idle one it is reset", client.is_reset);
  waits_ms(90000);
  check("and the places are free again after their time", is_served(PLAIN));
}

/* A body in chunks that never ends, and one whose length is said beforehand. */
static void test_large_bodies(void) {
  static char chunk[1100] = "400\r\n";
  memset(chunk + 5, 'x', 1024);
  memcpy(chunk + 5 + 1024, "\r\n", 3);
  begin();
  say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  int sent = 0;
  while (sent < 10000 && client.length == 0) {
    say(chunk);
    sent++;
  }
  check("a chunked body is refused once it is longer than 8 MiB", sent > 8000 && sent < 9000 && strstr(client.text, " 413 ") && !serve());
  begin();
  say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n");
  check("one of 1 GiB is refused at its head", strstr(client.text, " 413 ") && !serve());
  waits_ms(3000);
}

static void test_half_closed(void) {
  begin();
  say("GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
  send_tcp(FIN | ACK, 0, 0);
  run();
  check("a client that has closed its half gets its answer", serve() && strstr(client.text, "fine") && client.is_finished && !client.is_reset);

  begin();
  say("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  int is_answered = serve() && client.is_finished;
  waits_ms(3000);
  check("one that never closes its own half is let go", is_answered && is_served(PLAIN));

  begin();
  send_tcp(FIN | ACK, 0, 0);
  run();
  check("one that closes without a request is closed", client.is_finished && !serve());
}

/* 10,000 connections, each left as it is: without a word, in the middle of a request, after an answer, closed, reset. */
static void test_ten_thousand(void) {
  int served_count = 0, asked = 0;
  for (int i = 0; i < 10000; i++) {
    /* Places come free by their time now and then. */
    if (i % 100 == 99) waits_ms(31000);
    begin();
    if (i % 5 == 0) continue;
    say(i % 5 == 1 ? "GET /mid HTTP/1.1\r\nHost: a\r\nA: " : "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    if (i % 5 >= 2 && client.is_open && !client.is_reset) asked++;
    served_count += serve();
    if (i % 5 == 3) send_tcp(FIN | ACK, 0, 0);
    if (i % 5 == 4) send_tcp(RST | ACK, 0, 0);
    run();
  }
  check("of 10,000 connections each that was taken is answered", asked > 1000 && served_count == asked);
  waits_ms(150000);
  check("and none is left in the way", is_served(PLAIN));
}

/* The frame of a right request with one field wrong, and nothing else. */
static void send_wrong(int at, uint8_t by, int is_sealed) {
  uint8_t frame[FRAME_MOST];
  uint32_t length = write_tcp(frame, ACK, PLAIN, strlen(PLAIN));
  frame[at] ^= by;
  if (is_sealed) seal(frame, length);
  queue_frame(frame, length);
  run();
}

static void test_wrong_fields(void) {
  static const struct {
    const char *what;
    int at;
    uint8_t by;
    int is_sealed;
  } wrong[] = {
      {"a wrong checksum of IP", 24, 1, 0},          {"a wrong checksum of TCP", 50, 1, 0},
      {"a byte changed under its checksum", 58, 1, 0}, {"a total length beyond the frame", 16, 0x10, 1},
      {"a total length short of its headers", 17, 0x7f, 1}, {"an IP header of no length", 14, 5, 0},
      {"a TCP header shorter than one can be", 46, 0x10, 1}, {"another machine's address", 33, 1, 1},
      {"IP version 6 in a frame of version 4", 14, 0x20, 0},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    begin();
    send_wrong(wrong[i].at, wrong[i].by, wrong[i].is_sealed);
    int is_taken_for_one = serve();
    say(PLAIN);
    check(wrong[i].what, !is_taken_for_one && serve() && strstr(client.text, "fine"));
  }
}

static void test_wrong_frames(void) {
  uint8_t frame[FRAME_MOST];
  for (uint32_t length = 0; length < 120; length++) {
    write_tcp(frame, ACK, "GET / HTTP/1.1\r\nHost: a\r\n\r\nand some more of the same kind, so that it is long enough", 85);
    queue_frame(frame, length);
    run();
  }
  check("frames that end too soon do no harm", is_served(PLAIN));
  uint32_t before = sent_frames;
  for (int i = 0; i < 60000; i++) {
    if (i % 500 == 0) begin();
    uint32_t length = write_tcp(frame, rand() % 8 ? ACK : rand(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabcdefghi", rand() % 55);
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
  *c = (struct ember_config){.address = 0x0f02000a, .netmask = 0x00ffffff, .gateway = 0x0202000a, .ports = {8080}, .nameserver = 0x0202000a};
  test_first_clients();
  test_requests();
  test_endings();
  test_large_bodies();
  test_half_closed();
  test_many();
  test_fetch();
  test_fetch_failures();
  test_fetch_limits();
  test_fetch_fuzz();
  test_ten_thousand();
  test_wrong_fields();
  test_wrong_frames();
  return 0;
}
