/* The socket driver against a simulated device and host: connections, credit, data both ways, and hosts that lie. */
#include "../../dev/vsock.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include "../../boot/marks.h"
#include "../../dev/channel.h"
#include "check.h"

#define CID 7
#define ROOM_TO_RECEIVE (32 * (4096 - 44))
enum { OP_REQUEST = 1, OP_RESPONSE, OP_RESET, OP_SHUTDOWN, OP_DATA, OP_CREDIT_UPDATE, OP_CREDIT_REQUEST };

struct packet {
  uint64_t from_cid, to_cid;
  uint32_t from_port, to_port, payload;
  uint16_t type, operation;
  uint32_t flags, room, taken;
} __attribute__((packed));

uint64_t marks[MARK_COUNT];
static const struct channel_driver *driver;
static struct virtq *queues[3];
static jmp_buf panicked;
/* The host's action while the guest sleeps; null: nothing more will ever happen. */
static void (*host_turn)(void);

_Noreturn void panic(const char *format, ...) { (void)format; longjmp(panicked, 1); }
void channel_use(const struct channel_driver *used) { driver = used; }
void cpu_sleep(void) {
  if (!host_turn) longjmp(panicked, 2);
  host_turn();
}
int virtio_open(struct virtio_device *d, uint16_t type, uint32_t wanted) { (void)d; return type == VIRTIO_VSOCK && wanted == 0; }
int virtio_queue(struct virtio_device *d, struct virtq *q, uint16_t number) {
  (void)d;
  q->size = 64;
  q->number = number;
  queues[number] = q;
  return 1;
}
void virtio_start(struct virtio_device *d) { (void)d; }

/* --- the queues of dev/virtio.c, and the device's side of them --- */

static uint16_t device_seen[3];
static void publish(struct virtq *q, uint16_t slot) { q->avail.ring[q->avail.index++ % q->size] = slot; }
void virtq_offer(struct virtq *q, uint16_t slot, void *buffer, uint32_t length) {
  q->desc[slot] = (struct virtq_desc){(uint64_t)buffer, length, 2, 0};
  publish(q, slot);
}
void virtq_post(struct virtq *q, uint16_t slot, const struct iovec *pieces, int count) {
  if (slot + count > q->size) abort();
  for (int i = 0; i < count; i++) q->desc[slot + i] = (struct virtq_desc){(uint64_t)pieces[i].base, pieces[i].length, i + 1 < count, slot + i + 1};
  publish(q, slot);
}
int virtq_take(struct virtq *q, uint32_t *length) {
  if (q->used.index == q->seen) return -1;
  uint16_t at = q->seen++ % q->size;
  *length = q->used.ring[at].length;
  return q->used.ring[at].id;
}
void virtq_kick(struct virtq *q) { (void)q; }

static int device_next(int number) {
  struct virtq *q = queues[number];
  return device_seen[number] == q->avail.index ? -1 : q->avail.ring[device_seen[number]++ % q->size];
}
static void device_use(int number, uint32_t slot, uint32_t length) {
  struct virtq *q = queues[number];
  q->used.ring[q->used.index % q->size].id = slot;
  q->used.ring[q->used.index % q->size].length = length;
  q->used.index++;
}

/* --- the host --- */

static uint8_t received[1 << 20];
static uint32_t received_bytes, console_bytes, host_room = 65536, host_taken[3], guest_taken, responses, resets, updates, asked;
static int holds_back;

/* Sends one packet to the guest. Returns 0 when the guest has no buffer for it. */
static int host_send(struct packet packet, const void *payload, uint32_t bytes) {
  int slot = device_next(0);
  if (slot < 0) return 0;
  uint8_t *buffer = (uint8_t *)queues[0]->desc[slot].address;
  memcpy(buffer, &packet, sizeof packet);
  memcpy(buffer + sizeof packet, payload, bytes);
  device_use(0, slot, sizeof packet + bytes);
  return 1;
}
static struct packet packet_to(uint32_t port, uint16_t operation, uint32_t payload) {
  return (struct packet){2, CID, 1000 + port, port, payload, 1, operation, 0, host_room, host_taken[port]};
}
static int host_sends(uint32_t port, uint16_t operation, const char *text) { return host_send(packet_to(port, operation, strlen(text)), text, strlen(text)); }

/* Takes the guest's packets. */
static void host_reads(void) {
  for (int slot; (slot = device_next(1)) >= 0;) {
    const struct virtq_desc *d = &queues[1]->desc[slot];
    struct packet packet;
    memcpy(&packet, (void *)d->address, sizeof packet);
    uint32_t bytes = 0;
    while (d->flags & 1) {
      d = &queues[1]->desc[d->next];
      if (packet.from_port == 1) memcpy(received + received_bytes + bytes, (void *)d->address, d->length);
      bytes += d->length;
    }
    if (bytes != packet.payload || packet.type != 1 || packet.to_cid != 2 || packet.room != ROOM_TO_RECEIVE) abort();
    if (packet.from_port == 1) received_bytes += bytes;
    if (packet.from_port == 2) console_bytes += bytes;
    if (packet.from_port <= 2 && !holds_back) host_taken[packet.from_port] += bytes;
    responses += packet.operation == OP_RESPONSE;
    resets += packet.operation == OP_RESET;
    updates += packet.operation == OP_CREDIT_UPDATE;
    asked += packet.operation == OP_CREDIT_REQUEST;
    guest_taken = packet.taken;
    device_use(1, slot, 0);
  }
}
static void host_connects(void) {
  host_sends(2, OP_REQUEST, "");
  host_sends(1, OP_REQUEST, "");
  host_turn = 0;
}
static void host_gives_room(void) {
  uint32_t before = asked;
  host_reads();
  if (asked == before) return;
  host_taken[1] = received_bytes;
  host_sends(1, OP_CREDIT_UPDATE, "");
}

static void test_connect(void) {
  host_turn = host_connects;
  vsock_init();
  host_reads();
  CHECK(driver && responses == 2 && driver->open_console(), "the host connects to both ports");
  CHECK(!driver->readable(), "and has sent nothing");
  host_send((struct packet){2, CID, 4711, 1, 0, 1, OP_REQUEST, 0, 1, 0}, "", 0);
  host_send((struct packet){2, CID, 4711, 9, 0, 1, OP_REQUEST, 0, 1, 0}, "", 0);
  driver->readable();
  host_reads();
  CHECK(resets == 2, "a second client, and a port that nobody listens on, are refused");
}

static void test_receive(void) {
  char text[16];
  host_sends(1, OP_DATA, "hello ");
  host_sends(1, OP_DATA, "world");
  CHECK(driver->readable() && driver->read(text, 3) == 3 && driver->read(text + 3, 9) == 3 && driver->read(text + 6, 9) == 5 && memcmp(text, "hello world", 11) == 0,
        "data is read in order, in any pieces");
  CHECK(driver->read(text, 1) == 0, "and then there is none");

  static uint8_t block[4052], back[4052];
  uint32_t most = 0, announced = updates;
  int same = 1;
  for (int i = 0; i < 1000; i++) {
    memset(block, i, sizeof block);
    while (!host_send(packet_to(1, OP_DATA, sizeof block), block, sizeof block)) abort();
    if (i % 31 != 30) continue;
    for (int k = i - 30; k <= i; k++) {
      for (uint32_t got = 0; got < sizeof back;) got += driver->read(back + got, sizeof back - got);
      same &= back[0] == (uint8_t)k && back[4051] == (uint8_t)k;
    }
    host_reads();
    uint32_t behind = 11 + (uint32_t)(i + 1) * 4052 - guest_taken;
    if (behind > most) most = behind;
  }
  while (driver->read(back, sizeof back) > 0) {}
  CHECK(same, "a megabyte comes through as it was sent");
  CHECK(updates > announced && most < ROOM_TO_RECEIVE, "the room is announced to the host before it has none");
  host_sends(1, OP_CREDIT_REQUEST, "");
  driver->readable();
  host_reads();
  CHECK(guest_taken == 11 + 1000 * 4052, "and when it asks");
}

static void test_send(void) {
  static uint8_t big[300000];
  for (uint32_t i = 0; i < sizeof big; i++) big[i] = i * 7 + i / 251;
  struct iovec pieces[3] = {{"head", 4}, {big, sizeof big}, {"tail", 4}};
  received_bytes = host_taken[1] = 0;
  holds_back = 1;
  host_turn = host_gives_room;
  driver->post(pieces, 3);
  driver->wait_sent();
  host_reads();
  host_turn = 0;
  holds_back = 0;
  host_taken[1] = received_bytes;
  CHECK(received_bytes == sizeof big + 8 && memcmp(received, "head", 4) == 0 && memcmp(received + 4, big, sizeof big) == 0 && memcmp(received + 4 + sizeof big, "tail", 4) == 0,
        "what is larger than the host's room is sent as there is room");
  CHECK(asked > 0, "which is asked for");
  struct iovec line = {"printed", 7};
  driver->post_console(&line, 1);
  host_reads();
  CHECK(driver->is_console_sent() && console_bytes == 7, "the console has a connection of its own");
}

static void test_end(void) {
  resets = responses = 0;
  host_sends(1, OP_DATA, "left behind");
  host_sends(1, OP_SHUTDOWN, "");
  CHECK(!driver->readable(), "a connection that ends takes along what was not read");
  host_reads();
  CHECK(resets == 1, "its end is confirmed");
  struct iovec line = {"lost", 4};
  driver->post(&line, 1);
  driver->wait_sent();
  CHECK(1, "what is sent to nobody is dropped");
  host_taken[1] = 0;
  host_sends(1, OP_REQUEST, "");
  host_sends(1, OP_DATA, "again");
  CHECK(driver->readable(), "the host may connect again");
  host_reads();
  CHECK(responses == 1, "and is answered");
  char text[8];
  driver->read(text, sizeof text);
  *(uint32_t *)queues[2]->desc[0].address = 0;
  device_use(2, device_next(2), 4);
  CHECK(!driver->readable() && !driver->open_console(), "a restored guest has no connections");
}

static uint64_t state = 88172645463325252ull;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

/* Sends arbitrary packets: the driver answers, drops, or panics; it never leaves its memory, and never stops taking buffers. */
static void test_fuzz(void) {
  static const uint32_t numbers[] = {0, 1, 2, 3, 44, 1001, 1002, 4052, 65536, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};
  static uint8_t payload[4052];
  volatile int sent = 0, read = 0;
  int starved = 0;
  host_turn = host_reads;
  for (int i = 0; i < 300000; i++) {
    uint32_t port = 1 + next() % 2, bytes = next() % 3 ? next() % 64 : next() % sizeof payload;
    struct packet packet = packet_to(port, 1 + next() % 8, bytes);
    static const uint8_t fields[] = {16, 20, 24, 32, 36, 40};
    uint32_t value = numbers[next() % 13] + next() % 2;
    if (next() % 3 == 0) memcpy((uint8_t *)&packet + fields[next() % 6], &value, sizeof value);
    if (next() % 64 == 0) packet.type = next();
    if (next() % 64 == 0) packet.to_cid = next() % 9;
    if (next() % 64 == 0) packet.from_cid = next() % 4;
    starved = host_send(packet, payload, bytes) ? 0 : starved + 1;
    sent += starved == 0;
    if (starved > 64) break;
    uint8_t to[512];
    for (int k = next() % 4; k > 0 || (starved && k > -40); k--) read += driver->read(to, sizeof to);
    host_reads();
    received_bytes = 0;
    if (next() % 16) continue;
    struct iovec line = {payload, 1 + next() % 4000};
    if (driver->is_console_sent()) driver->post_console(&line, 1);
  }
  CHECK(sent > 100000 && read > 100000 && starved <= 64, "any packets are taken, and buffers come back");
  if (setjmp(panicked) == 0) {
    device_use(1, 3 + 8, 0);
    driver->readable();
    CHECK(0, "a descriptor that begins no packet is refused");
  } else {
    CHECK(1, "a descriptor that begins no packet is refused");
  }
}

int main(void) {
  if (setjmp(panicked) != 0) {
    CHECK(0, "the driver went on");
    return 1;
  }
  test_connect();
  test_receive();
  test_send();
  test_end();
  test_fuzz();
  return failures != 0;
}
