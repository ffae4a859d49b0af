#include "virtio-net.h"

#include "../boot/panic.h"
#include "../rt/memory.h"
#include "virtio.h"

#define F_MAC 5
#define RX 0
#define TX 1
/* Version 1's header before each frame: without offloads all of its bytes are zero, but for a count of buffers that we do not use. */
#define HEADER_BYTES 12
#define BUFFER_BYTES (HEADER_BYTES + FRAME_MOST)
#define FRAME_LEAST 14
#define BUFFERS 64
/* The card is notified once this many buffers are free again: it still has others. */
#define OFFERS_BEFORE_KICK (BUFFERS / 4)
/* A card that sends at all does so while it is notified, or soon after. */
#define TRIES 100000

static struct virtio_device device;
static struct virtq rx, tx;
static uint8_t rx_buffers[BUFFERS][BUFFER_BYTES] __attribute__((aligned(16)));
static uint8_t tx_buffers[BUFFERS][BUFFER_BYTES] __attribute__((aligned(16)));
static uint8_t address[6];
static uint16_t buffers[2];
/* The received buffer that is being read; -1: none. */
static int current = -1;
static int offered, unannounced;
/* Buffers to send: those that the card has are set. */
static uint8_t is_sending[BUFFERS];
static uint16_t next;

static uint16_t buffers_of(const struct virtq *q) { return q->size < BUFFERS ? q->size : BUFFERS; }

int virtio_net_init(void) {
  if (!virtio_has(VIRTIO_NET)) return 0;
  if (!virtio_open(&device, VIRTIO_NET, 1u << F_MAC)) panic("the network card has no address");
  for (int i = 0; i < 6; i++) address[i] = device.config[i];
  if (!virtio_queue(&device, &rx, RX) || !virtio_queue(&device, &tx, TX)) panic("the network card has no queues");
  buffers[RX] = buffers_of(&rx);
  buffers[TX] = buffers_of(&tx);
  virtio_start(&device);
  for (uint16_t i = 0; i < buffers[RX]; i++) virtq_offer(&rx, i, rx_buffers[i], BUFFER_BYTES);
  virtq_kick(&rx);
  return 1;
}

const uint8_t *virtio_net_address(void) { return address; }

int virtio_net_has_frame(void) { return rx.used.index != rx.seen; }

uint32_t virtio_net_receive(const uint8_t **frame) {
  for (;;) {
    if (current >= 0) {
      virtq_offer(&rx, current, rx_buffers[current], BUFFER_BYTES);
      offered++;
    }
    uint32_t length;
    current = virtq_take(&rx, &length);
    if (current < 0) return 0;
    if (current >= buffers[RX]) panic("the network card used descriptor %d, which it was not given", current);
    /* The descriptor that `virtq_take` compares with lies in memory that the card can write. */
    if (length < HEADER_BYTES + FRAME_LEAST || length > BUFFER_BYTES) continue;
    *frame = rx_buffers[current] + HEADER_BYTES;
    return length - HEADER_BYTES;
  }
}

static void poll_sent(void) {
  uint32_t length;
  for (int slot; (slot = virtq_take(&tx, &length)) >= 0;) {
    if (slot < BUFFERS) is_sending[slot] = 0;
  }
}

uint8_t *virtio_net_buffer(void) {
  poll_sent();
  for (int tries = 0; is_sending[next] && tries < TRIES; tries++) {
    if (tries == 0) virtio_net_flush();
    __asm__ volatile("pause");
    poll_sent();
  }
  return is_sending[next] ? 0 : tx_buffers[next] + HEADER_BYTES;
}

void virtio_net_send(uint32_t length) {
  struct iovec piece = {tx_buffers[next], HEADER_BYTES + length};
  is_sending[next] = 1;
  virtq_post(&tx, next, &piece, 1);
  next = (next + 1) % buffers[TX];
  unannounced = 1;
}

void virtio_net_flush(void) {
  if (unannounced) virtq_kick(&tx);
  unannounced = 0;
  if (offered >= OFFERS_BEFORE_KICK) {
    virtq_kick(&rx);
    offered = 0;
  }
}
