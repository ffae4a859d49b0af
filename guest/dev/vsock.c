#include "vsock.h"

#include "../boot/marks.h"
#include "../boot/panic.h"
#include "../rt/memory.h"
#include "channel.h"
#include "timer.h"
#include "virtio.h"

#define HOST_CID 2
#define TYPE_STREAM 1
/* The most bytes that a packet may carry, in Firecracker and in Linux. */
#define PAYLOAD_MOST 65536
#define RX_BUFFERS 32
#define RX_BYTES 4096
#define HEADER_BYTES sizeof(struct packet)
/* Received data stays in its buffer until it is read. */
#define RECEIVE_BYTES (uint32_t)(RX_BUFFERS * (RX_BYTES - HEADER_BYTES))
/* The device is notified once this many buffers are free again: it still has others. */
#define OFFERS_BEFORE_KICK (RX_BUFFERS / 4)
/* Slots of the queue to the device: control packets, then a chain for each connection. Each bit of `controls_busy` is one slot. */
#define CONTROLS 8
#define CHAIN (1 + CHANNEL_PIECES_MOST)
#define TX_SLOTS (CONTROLS + 2 * CHAIN)

enum { OP_REQUEST = 1, OP_RESPONSE, OP_RESET, OP_SHUTDOWN, OP_DATA, OP_CREDIT_UPDATE, OP_CREDIT_REQUEST };
enum { EVENT_TRANSPORT_RESET };

struct packet {
  uint64_t from_cid, to_cid;
  uint32_t from_port, to_port, payload;
  uint16_t type, operation;
  uint32_t flags;
  /* Bytes that the sender has room for, and bytes that it has taken out of that room so far. */
  uint32_t room, taken;
} __attribute__((packed));

/* The buffers of one connection's unread data, in order. Only the invocations' connection keeps any. */
static struct {
  uint8_t slots[RX_BUFFERS];
  uint32_t lengths[RX_BUFFERS];
  uint32_t first, count;
  /* Bytes already read of the first buffer. */
  uint32_t at;
} unread;

struct connection {
  uint32_t port, peer_port;
  int is_open;
  /* Bytes sent; the peer's room, and the bytes that it has taken. */
  uint32_t sent, peer_room, peer_taken;
  /* Bytes read here, and the part of them that was reported to the peer. */
  uint32_t taken, announced;
  /* 1 once the peer was asked for room, until it has some. */
  int has_asked;
  /* The current send: its pieces, and how far they are packed into packets. */
  struct iovec pieces[CHANNEL_PIECES_MOST];
  int count, piece;
  uint32_t at;
  int in_flight;
  struct packet header;
};

static struct virtio_device device;
static struct virtq rx, tx, events;
static uint8_t rx_buffers[RX_BUFFERS][RX_BYTES] __attribute__((aligned(4096)));
static uint32_t event;
static struct packet controls[CONTROLS];
static uint32_t controls_busy;
static int offered;
/* 1 when the queue has an entry without a notification of the device. */
static int unsent;
/* Our address, as the host uses it: 0 until the host has connected. */
static uint64_t own_cid;
static struct connection invocations = {.port = VSOCK_PORT_INVOCATIONS}, console = {.port = VSOCK_PORT_CONSOLE};

static struct connection *connection_at(uint32_t port) {
  return port == VSOCK_PORT_INVOCATIONS ? &invocations : port == VSOCK_PORT_CONSOLE ? &console : 0;
}

static uint16_t chain_of(const struct connection *c) { return c == &invocations ? CONTROLS : CONTROLS + CHAIN; }

/* --- to the device --- */

static void tell_device(void) {
  if (unsent) virtq_kick(&tx);
  unsent = 0;
}

static void post_packet(uint16_t slot, const struct iovec *pieces, int count) {
  virtq_post(&tx, slot, pieces, count);
  unsent = 1;
}

/* Takes back the slots that the device has sent. */
static void poll_sent(void) {
  uint32_t length;
  for (int slot; (slot = virtq_take(&tx, &length)) >= 0;) {
    if (slot < CONTROLS) controls_busy &= ~(1u << slot);
    else if (slot == chain_of(&invocations)) invocations.in_flight = 0;
    else if (slot == chain_of(&console)) console.in_flight = 0;
    else panic("the socket device used descriptor %d, which begins no packet", slot);
  }
}

static struct packet *take_control(uint16_t *slot) {
  for (;; cpu_sleep()) {
    poll_sent();
    for (*slot = 0; *slot < CONTROLS; ++*slot) {
      if (controls_busy & 1u << *slot) continue;
      controls_busy |= 1u << *slot;
      return &controls[*slot];
    }
    tell_device();
  }
}

/* A packet without data. The device is not notified yet. */
static void send_control(uint32_t from_port, uint32_t to_port, uint16_t operation, uint32_t taken) {
  uint16_t slot;
  struct packet *packet = take_control(&slot);
  *packet = (struct packet){own_cid, HOST_CID, from_port, to_port, 0, TYPE_STREAM, operation, 0, RECEIVE_BYTES, taken};
  struct iovec piece = {packet, sizeof *packet};
  post_packet(slot, &piece, 1);
}

static void answer(struct connection *c, uint16_t operation) {
  c->announced = c->taken;
  send_control(c->port, c->peer_port, operation, c->taken);
}

/* The peer's room. A peer that has taken more than was sent to it, or shrinks its room, has none. */
static uint32_t credit(const struct connection *c) {
  uint32_t waiting = c->sent - c->peer_taken;
  return waiting < c->peer_room ? c->peer_room - waiting : 0;
}

/* Packs the next packet of the current send, if the last packet is complete and the peer has room. */
static void advance(struct connection *c) {
  if (c->in_flight || c->piece == c->count) return;
  /* There is no reader. */
  if (!c->is_open) c->piece = c->count;
  uint32_t room = credit(c), most = room < PAYLOAD_MOST ? room : PAYLOAD_MOST, bytes = 0;
  struct iovec chain[CHAIN];
  int used = 1;
  while (c->piece < c->count && bytes < most) {
    uint32_t left = c->pieces[c->piece].length - c->at, take = left < most - bytes ? left : most - bytes;
    if (take > 0) chain[used++] = (struct iovec){(const uint8_t *)c->pieces[c->piece].base + c->at, take};
    bytes += take;
    c->at += take;
    if (take < left) break;
    c->piece++;
    c->at = 0;
  }
  if (bytes == 0) {
    if (c->is_open && c->piece < c->count && !c->has_asked) answer(c, OP_CREDIT_REQUEST);
    c->has_asked = c->piece < c->count;
    return;
  }
  c->header = (struct packet){own_cid, HOST_CID, c->port, c->peer_port, bytes, TYPE_STREAM, OP_DATA, 0, RECEIVE_BYTES, c->taken};
  c->announced = c->taken;
  c->sent += bytes;
  c->in_flight = 1;
  chain[0] = (struct iovec){&c->header, sizeof c->header};
  post_packet(chain_of(c), chain, used);
}

/* --- from the device --- */

static void offer(int slot) {
  virtq_offer(&rx, slot, rx_buffers[slot], RX_BYTES);
  if (++offered < OFFERS_BEFORE_KICK) return;
  offered = 0;
  virtq_kick(&rx);
}

static void close_connection(struct connection *c) {
  c->is_open = 0;
  if (c != &invocations) return;
  for (; unread.count > 0; unread.count--) {
    offer(unread.slots[unread.first]);
    unread.first = (unread.first + 1) % RX_BUFFERS;
  }
  unread.at = 0;
}

static void accept(struct connection *c, const struct packet *request) {
  c->peer_port = request->from_port;
  c->sent = c->taken = c->announced = 0;
  c->has_asked = 0;
  c->is_open = 1;
  own_cid = request->to_cid;
  answer(c, OP_RESPONSE);
}

/* Takes a buffer with data of `c`. Returns 1 when the buffer is kept until it is read. */
static int receive(struct connection *c, int slot, uint32_t payload) {
  if (payload == 0) return 0;
  if (c == &console) {
    /* A function reads nothing from its console. */
    c->taken += payload;
    return 0;
  }
  uint32_t last = (unread.first + unread.count++) % RX_BUFFERS;
  unread.slots[last] = slot;
  unread.lengths[last] = payload;
  return 1;
}

/* Handles one packet with any content. Returns 1 when its buffer is kept. */
static int handle(int slot, uint32_t length) {
  struct packet packet;
  if (length < HEADER_BYTES) return 0;
  memcpy(&packet, rx_buffers[slot], sizeof packet);
  struct connection *c = connection_at(packet.to_port);
  if (packet.from_cid != HOST_CID || packet.operation == OP_RESET) {
    if (c && packet.from_cid == HOST_CID && c->peer_port == packet.from_port) close_connection(c);
    return 0;
  }
  int is_known = c && c->is_open && c->peer_port == packet.from_port && packet.to_cid == own_cid;
  if (packet.type != TYPE_STREAM || packet.payload > length - HEADER_BYTES || (!is_known && (!c || c->is_open || packet.operation != OP_REQUEST))) {
    send_control(packet.to_port, packet.from_port, OP_RESET, 0);
    if (is_known) close_connection(c);
    return 0;
  }
  c->peer_room = packet.room;
  c->peer_taken = packet.taken;
  if (credit(c) > 0) c->has_asked = 0;
  switch (packet.operation) {
    case OP_REQUEST:
      if (!is_known) accept(c, &packet);
      return 0;
    case OP_DATA:
      return receive(c, slot, packet.payload);
    case OP_CREDIT_REQUEST:
      answer(c, OP_CREDIT_UPDATE);
      return 0;
    case OP_SHUTDOWN:
      answer(c, OP_RESET);
      close_connection(c);
      return 0;
    default:
      return 0;
  }
}

/* A guest that was restored from a snapshot has lost its connections. */
static void poll_events(void) {
  uint32_t length;
  while (virtq_take(&events, &length) >= 0) {
    if (length >= sizeof event && event == EVENT_TRANSPORT_RESET) {
      close_connection(&invocations);
      close_connection(&console);
    }
    virtq_offer(&events, 0, &event, sizeof event);
    virtq_kick(&events);
  }
}

static void poll(void) {
  uint32_t length;
  poll_events();
  poll_sent();
  for (int slot; (slot = virtq_take(&rx, &length)) >= 0;) {
    if (slot >= RX_BUFFERS) panic("the socket device used buffer %d of %d", slot, RX_BUFFERS);
    if (!handle(slot, length)) offer(slot);
  }
  advance(&invocations);
  advance(&console);
  tell_device();
}

/* --- the channel --- */

static int readable(void) {
  if (unread.count == 0) poll();
  return unread.count > 0;
}

static size_t read(void *to, size_t count) {
  if (!readable()) return 0;
  uint32_t slot = unread.slots[unread.first], left = unread.lengths[unread.first] - unread.at;
  uint32_t take = count < left ? count : left;
  memcpy(to, rx_buffers[slot] + HEADER_BYTES + unread.at, take);
  unread.at += take;
  invocations.taken += take;
  if (take < left) return take;
  unread.first = (unread.first + 1) % RX_BUFFERS;
  unread.count--;
  unread.at = 0;
  offer(slot);
  if (invocations.is_open && invocations.taken - invocations.announced >= RECEIVE_BYTES / 2) {
    answer(&invocations, OP_CREDIT_UPDATE);
    tell_device();
  }
  return take;
}

static int is_sent(const struct connection *c) { return c->piece == c->count && !c->in_flight; }

static void wait_sent(void) {
  for (poll(); !is_sent(&invocations); poll()) cpu_sleep();
}

static void begin(struct connection *c, const struct iovec *pieces, int count) {
  for (int i = 0; i < count; i++) c->pieces[i] = pieces[i];
  c->count = count;
  c->piece = 0;
  c->at = 0;
  poll();
}

static void post(const struct iovec *pieces, int count) {
  if (!is_sent(&invocations)) wait_sent();
  begin(&invocations, pieces, count);
}

static int open_console(void) { return console.is_open; }

static void post_console(const struct iovec *pieces, int count) { begin(&console, pieces, count); }

static int is_console_sent(void) {
  if (!is_sent(&console)) poll();
  return is_sent(&console);
}

static const struct channel_driver driver = {readable, read, post, wait_sent, open_console, post_console, is_console_sent};

void vsock_init(void) {
  if (!virtio_open(&device, VIRTIO_VSOCK, 0)) panic("the virtio socket device cannot be used");
  mark(MARK_DISCOVERY);
  if (!virtio_queue(&device, &rx, 0) || !virtio_queue(&device, &tx, 1) || !virtio_queue(&device, &events, 2))
    panic("the socket device has not its three queues");
  if (rx.size < RX_BUFFERS || tx.size < TX_SLOTS) panic("the socket device's queues hold %u and %u buffers", rx.size, tx.size);
  /* The device uses the event queue when it has one. */
  virtq_offer(&events, 0, &event, sizeof event);
  for (uint16_t i = 0; i < RX_BUFFERS; i++) virtq_offer(&rx, i, rx_buffers[i], RX_BYTES);
  virtio_start(&device);
  virtq_kick(&rx);
  for (poll(); !invocations.is_open; poll()) cpu_sleep();
  channel_use(&driver);
}
