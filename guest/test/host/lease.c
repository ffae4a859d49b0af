/* The guest's address by DHCP: a server that speaks frames, right ones and wrong ones, that is silent, refuses, or gives what others have. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../boot/config.h"
#include "network-client.h"

#include "../../net/stack.h"

#define UDP 17
#define MESSAGE_BYTES 240
#define OPTIONS_MOST 64

enum message { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK_LEASE, NAK, RELEASE };

static struct ember_config *settings;
/* The server's manner. */
static enum { SILENT, GIVES, REFUSES, GARBLES } manner;
static uint8_t offered[4] = {10, 0, 2, 15}, mask[4] = {255, 255, 255, 0};
static uint32_t lease_s = 120, xid_flip;
static int has_router = 1, hardware_flip;
/* A client that connects right before the server's offer, as through QEMU. */
static int is_hurried;
/* What the guest has sent, by type; where it sent a SYN of its own and a question for a name. */
static uint32_t sent[9], opened, asked_at;

static uint8_t *add_option(uint8_t *at, uint8_t code, const void *bytes, uint8_t length) {
  *at++ = code;
  *at++ = length;
  memcpy(at, bytes, length);
  return at + length;
}

static void reply(const uint8_t *asked, enum message type) {
  uint8_t frame[FRAME_MOST], options[OPTIONS_MOST], *end = options, seconds[4];
  put32(seconds, lease_s);
  end = add_option(end, 53, (uint8_t[]){type}, 1);
  end = add_option(end, 54, (uint8_t[]){10, 0, 2, 2}, 4);
  end = add_option(end, 51, seconds, 4);
  end = add_option(end, 1, mask, 4);
  if (has_router) end = add_option(end, 3, (uint8_t[]){10, 0, 2, 2}, 4);
  end = add_option(end, 6, (uint8_t[]){9, 9, 9, 1, 9, 9, 9, 2}, 8);
  *end++ = 255;
  uint32_t options_bytes = end - options, bytes = 8 + MESSAGE_BYTES + options_bytes;
  if (manner == GARBLES) {
    for (int flips = rand() % 8; flips > 0; flips--) options[rand() % options_bytes] ^= 1 << rand() % 8;
    if (rand() % 4 == 0) bytes -= rand() % (options_bytes + 8);
  }
  uint8_t *udp = write_ip(frame, UDP, bytes), *message = udp + 8;
  memset(udp, 0, 8 + MESSAGE_BYTES);
  memset(frame + 30, 255, 4);
  put16(udp, 67);
  put16(udp + 2, 68);
  put16(udp + 4, bytes);
  memcpy(message, (uint8_t[]){2, 1, 6, 0}, 4);
  put32(message + 4, get32(asked + 4) ^ xid_flip);
  memcpy(message + 16, offered, 4);
  memcpy(message + 28, own, 6);
  message[28] ^= hardware_flip;
  put32(message + 236, 0x63825363);
  memcpy(message + MESSAGE_BYTES, options, options_bytes);
  if (manner == GARBLES && rand() % 4 == 0) message[rand() % MESSAGE_BYTES] ^= 1 << rand() % 8;
  put16(frame + 24, fold(sum(frame + 14, 20, 0)));
  queue_frame(frame, 34 + bytes);
}

static int serve_frame(const uint8_t *ip) {
  const uint8_t *at = ip + 20, *message = at + 8, *options = message + MESSAGE_BYTES;
  if (ip[9] == 6 && at[13] == 2) opened++;
  if (ip[9] == UDP && get16(at + 2) == 53) asked_at = get32(ip + 16);
  if (ip[9] != UDP || get16(at + 2) != 67) return 0;
  enum message type = options[0] == 53 ? options[2] : 0;
  sent[type < 9 ? type : 0]++;
  if (manner == SILENT) return 1;
  if (type == DISCOVER && is_hurried) send_tcp(SYN, 0, 0);
  if (type == DISCOVER) reply(message, OFFER);
  if (type == REQUEST) reply(message, manner == REFUSES ? NAK : ACK_LEASE);
  return 1;
}

static void fetch(const char *host) {
  net_fetch_begin(1, (struct iovec){host, strlen(host)}, 9000, (struct iovec){"GET / HTTP/1.1\r\n\r\n", 18}, 0, 60000);
  run();
}

/* Until the lease that the guest has is over, and nobody gives it another. */
static void lose(void) {
  manner = SILENT;
  waits_ms((uint64_t)lease_s * 1000 + 1000);
}

static int is_reached(void) { return is_served(PLAIN); }

static void test_silence(void) {
  check("a DHCP server is asked as soon as the network opens", net_is_open() && sent[DISCOVER] == 1 && !stack_has_address());
  struct fetch_result result;
  fetch("10.0.2.2");
  waits_ms(9000);
  check("a fetch waits for an address, and nothing is said", !net_fetch_is_ready() && opened == 0 && !last_words[0]);
  waits_ms(2000);
  check("for 10 s", net_fetch_next(&result) && result.failure == FETCH_NO_LEASE);
  check("the console says so then", strstr(last_words, "no address after 10 s: no DHCP server has answered.") != 0);
  net_fetch_cancel(1);
  last_words[0] = 0;
  waits_ms(60000);
  check("once, and the server is asked again and again", !last_words[0] && sent[DISCOVER] >= 5 && sent[DISCOVER] <= 7);
  check("without an address nobody is served", !is_reached());
}

static void test_lease(void) {
  manner = GIVES;
  xid_flip = 1;
  waits_ms(64000);
  check("an answer to another question is passed over", !stack_has_address() && sent[REQUEST] == 0);
  xid_flip = 0;
  hardware_flip = 1;
  waits_ms(64000);
  check("so is one to another machine", !stack_has_address() && sent[REQUEST] == 0);
  hardware_flip = 0;
  while (probes == 0) waits_ms(250);
  fetch("10.0.2.2");
  begin();
  check("its address is looked for on the network first", !stack_has_address() && !client.is_open && opened == 0);
  check("which takes a tenth of a second at most", stack_due_ms() - stack_now_ms() <= 50);
  waits_ms(500);
  run();
  check("then it is the guest's, and the gateway is asked for", stack_has_address() && probes == 2 && times_asked >= 1);
  check("a fetch that has waited goes on", opened == 1);
  net_fetch_cancel(1);
  run();
  say(PLAIN);
  check("a client that came early is served", client.is_open && serve() && strstr(client.text, "fine"));
  fetch("service.test");
  check("the server's name server is asked for names", asked_at == 0x09090901);
  net_fetch_cancel(1);
}

static void test_renewal(void) {
  uint32_t discovers = sent[DISCOVER], requests = sent[REQUEST];
  begin();
  for (int i = 0; i < 12; i++) {
    waits_ms(25000);
    say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    serve();
  }
  check("a lease is renewed when half of it is over", sent[REQUEST] >= requests + 4 && sent[REQUEST] <= requests + 6 && sent[DISCOVER] == discovers);
  check("and connections go on", client.is_open && !client.is_reset && strstr(client.text, "fine"));
  manner = REFUSES;
  waits_ms(62000);
  check("a server that refuses to renew takes the address back", !stack_has_address() && !is_reached());
  check("and the connections with it", !net_is_serving());
  discovers = sent[DISCOVER];
  waits_ms(60000);
  check("one that always refuses is asked ever less often", sent[DISCOVER] > discovers && sent[DISCOVER] <= discovers + 14);
  check("and the console says that it refuses", strstr(last_words, "the DHCP server refuses what it has offered.") != 0);
  manner = GIVES;
  waits_ms(70000);
  check("until it no longer does", stack_has_address() && is_reached());
}

static void test_end(void) {
  manner = SILENT;
  waits_ms(55000);
  check("a lease lasts when the server is gone", stack_has_address() && is_reached());
  last_words[0] = 0;
  waits_ms(80000);
  check("until its end", !stack_has_address() && sent[RELEASE] == 1 && strstr(last_words, "no DHCP server has answered"));
  manner = GIVES;
  waits_ms(70000);
  check("and begins again when the server is back", is_reached());
  lose();
  lease_s = 20;
  manner = GIVES;
  waits_ms(70000);
  uint32_t discovers = sent[DISCOVER];
  waits_ms(100000);
  check("a lease of seconds is renewed too", is_reached() && sent[DISCOVER] == discovers);
  manner = SILENT;
  waits_ms(21000);
  check("and ends in time", !stack_has_address());
  lease_s = 0xffffffff;
  manner = GIVES;
  waits_ms(70000);
  check("one without an end needs no timer", is_reached());
  send_tcp(FIN | ACK, 0, 0);
  waits_ms(150000);
  check("nor does anything else then", stack_due_ms() == UINT64_MAX);
}

/* In a machine of its own each: the lease before this one has no end. */
static void test_taken(void) {
  uint32_t declines = sent[DECLINE];
  manner = GIVES;
  has_twin = 1;
  waits_ms(9000);
  check("an address that another machine has is declined", sent[DECLINE] == declines + 1 && !stack_has_address());
  waits_ms(3000);
  check("and the console says whose it is", strstr(last_words, "another machine has the DHCP server's address, 10.0.2.15") != 0);
  has_twin = 0;
  waits_ms(10000);
  check("the server is asked for another", stack_has_address() && is_reached());
}

static void test_unusable(void) {
  static const uint8_t wrong[][8] = {
      {0, 0, 0, 0, 255, 255, 255, 0},   {127, 0, 0, 1, 255, 0, 0, 0},       {224, 0, 0, 1, 255, 255, 255, 0},   {255, 255, 255, 255, 255, 255, 255, 0},
      {10, 0, 2, 0, 255, 255, 255, 0}, {10, 0, 2, 255, 255, 255, 255, 0}, {10, 0, 2, 15, 255, 0, 255, 0},
  };
  lease_s = 120;
  manner = GIVES;
  int count = 0;
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    memcpy(offered, wrong[i], 4);
    memcpy(mask, wrong[i] + 4, 4);
    waits_ms(70000);
    count += stack_has_address();
  }
  check("an address or a netmask that no machine can have is not taken", count == 0 && strstr(last_words, "no machine can have"));
  memcpy(offered, (uint8_t[]){10, 0, 2, 15}, 4);
  memset(mask, 255, 4);
  waits_ms(70000);
  check("one in a network of its own is", stack_has_address() && is_reached());
  lose();
  memcpy(mask, (uint8_t[]){255, 255, 255, 0}, 4);
  has_router = 0;
  manner = GIVES;
  waits_ms(70000);
  check("nor is a gateway needed", stack_has_address() && is_reached());
  has_router = 1;
}

static void test_fuzz(void) {
  lease_s = 20;
  for (int i = 0; i < 20000; i++) {
    manner = rand() % 8 ? GARBLES : rand() % 4 ? SILENT : REFUSES;
    has_twin = rand() % 16 == 0;
    waits_ms(500 + rand() % 4000);
  }
  has_twin = 0;
  manner = SILENT;
  /* A garbled lease can be one for years. */
  for (int i = 0; i < 1000 && stack_has_address(); i++) {
    manner = REFUSES;
    now_ns += 86400000 * MS;
    waits_ms(1000);
  }
  manner = GIVES;
  waits_ms(140000);
  check("20,000 garbled answers do no harm", is_reached());
}

/* The guest as it was before its network opened. */
static void in_its_own_process(void (*test)(void)) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    alarm(60);
    net_is_open();
    test();
    fflush(stdout);
    _exit(0);
  }
  int status = 1;
  waitpid(child, &status, 0);
  if (status != 0) check("the checks of another process come to their end", 0);
}

static void test_everything(void) {
  test_silence();
  test_lease();
  test_renewal();
  test_end();
}

static void test_own_name_server(void) {
  settings->nameserver = 0x0909090a;
  manner = GIVES;
  waits_ms(5000);
  fetch("service.test");
  check("a name server of the image goes before the DHCP server's", asked_at == 0x0a090909);
}

static void test_hurried(void) {
  manner = GIVES;
  is_hurried = 1;
  client.port = 1999;
  waits_ms(5000);
  say(PLAIN);
  check("a client that came before the first answer is served", sent[DISCOVER] == 2 && serve() && strstr(client.text, "fine"));
}

static void test_alone(void) {
  is_by_itself = 1;
  is_panic_expected = 1;
  if (setjmp(expected_panic) == 0) {
    waits_ms(29000);
    check("a guest on its own waits longer", !last_words[0]);
    waits_ms(5000);
  }
  check("and then ends, saying why", strstr(last_words, "no address after 30 s: no DHCP server has answered") != 0);
}

int main(void) {
  setbuf(stdout, 0);
  srand(7);
  if (mmap((void *)EMBER_CONFIG_BASE, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED) return 1;
  settings = (struct ember_config *)EMBER_CONFIG_BASE;
  *settings = (struct ember_config){.ports = {8080}};
  in_its_own_process(test_everything);
  in_its_own_process(test_taken);
  in_its_own_process(test_unusable);
  in_its_own_process(test_fuzz);
  in_its_own_process(test_own_name_server);
  in_its_own_process(test_hurried);
  in_its_own_process(test_alone);
  return 0;
}
