#include "virtio-serial.h"

#include "../boot/marks.h"
#include "../boot/panic.h"
#include "../rt/memory.h"
#include "channel.h"
#include "timer.h"
#include "virtio.h"

#define PORT_NAME_INVOCATIONS "dev.firstlight.invoke.0"
/* The console port may be absent. */
#define PORT_NAME_CONSOLE "dev.firstlight.console.0"

#define F_MULTIPORT 2
#define CONTROL_RX 2
#define CONTROL_TX 3
/* Our ports are the first; each port's queues have to exist before the device starts. */
#define PORTS 2
#define CONTROL_BUFFERS 16
#define CONTROL_BYTES 64
/* A power of two; the device takes them in order. */
#define CONTROL_MESSAGES 8
#define RX_BUFFERS 32
#define RX_BYTES 4096

enum { DEVICE_READY, PORT_ADD, PORT_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME };

struct control {
  uint32_t id;
  uint16_t event, value;
};

static struct virtio_device device;
static struct virtq control_rx, control_tx, port_rx[PORTS + 1], port_tx[PORTS + 1];
static uint8_t control_buffers[CONTROL_BUFFERS][CONTROL_BYTES];
static uint8_t rx_buffers[RX_BUFFERS][RX_BYTES] __attribute__((aligned(4096)));
static struct virtq *rx, *tx;
/* Control messages that the device has not released yet. */
static int unsent;
/* Buffers for the device's control messages for which the device has not been notified. */
static int offered;
/* 1 when messages were sent without a notification of the device. */
static int unannounced;
static int open_port;
/* 1 while the host may not have taken the last send. */
static int sending;
/* The console port's number; 0 when there is none. */
static uint32_t console_port;
static int console_open;
/* The received buffer that is being read. */
static int current = -1;
static uint32_t current_length, current_at;

/* Returns when the host has taken the last send. */
static void wait_sent(void) {
  uint32_t length;
  while (sending && virtq_take(tx, &length) < 0) cpu_sleep();
  sending = 0;
}

/* Notifies the device of the messages sent since the last notification. */
static void tell_control(void) {
  if (unannounced) virtq_kick(&control_tx);
  unannounced = 0;
}

/* Sleeps until at most `most` control messages are with the device. */
static void await_control(int most) {
  uint32_t length;
  for (;;) {
    while (virtq_take(&control_tx, &length) >= 0) unsent--;
    if (unsent <= most) return;
    tell_control();
    cpu_sleep();
  }
}

/* Neither waits for the device nor notifies it: each is a round trip to another thread of the host, and a boot has several messages. */
static void send_control(uint32_t id, uint16_t event, uint16_t value) {
  static struct control messages[CONTROL_MESSAGES];
  static uint16_t next;
  await_control(CONTROL_MESSAGES - 1);
  uint16_t slot = next++ % CONTROL_MESSAGES;
  messages[slot] = (struct control){id, event, value};
  struct iovec piece = {&messages[slot], sizeof messages[slot]};
  virtq_post(&control_tx, slot, &piece, 1);
  unsent++;
  unannounced = 1;
}

static void open(uint32_t id) {
  if (id < 1 || id > PORTS) panic("the port %s is number %u; give it number 1 or 2", PORT_NAME_INVOCATIONS, id);
  rx = &port_rx[id];
  tx = &port_tx[id];
  uint16_t buffers = rx->size < RX_BUFFERS ? rx->size : RX_BUFFERS;
  for (uint16_t i = 0; i < buffers; i++) virtq_offer(rx, i, rx_buffers[i], RX_BYTES);
  virtq_kick(rx);
  send_control(id, PORT_OPEN, 1);
  open_port = 1;
}

static int is_name(const char *name, uint32_t bytes, const char *wanted) {
  if (bytes > 0 && name[bytes - 1] == 0) bytes--;
  return bytes == strlen(wanted) && memcmp(name, wanted, bytes) == 0;
}

static void handle_control(const struct control *message, uint32_t length) {
  if (length < sizeof *message) return;
  if (message->event == PORT_ADD) send_control(message->id, PORT_READY, 1);
  if (message->event != PORT_NAME) return;
  const char *name = (const char *)(message + 1);
  uint32_t bytes = length - sizeof *message;
  if (!open_port && is_name(name, bytes, PORT_NAME_INVOCATIONS)) open(message->id);
  if (!console_port && message->id >= 1 && message->id <= PORTS && is_name(name, bytes, PORT_NAME_CONSOLE)) console_port = message->id;
}

static void poll_control(void) {
  uint32_t length;
  int taken = 0;
  for (int slot; (slot = virtq_take(&control_rx, &length)) >= 0; taken++) {
    handle_control((const struct control *)control_buffers[slot], length);
    virtq_offer(&control_rx, slot, control_buffers[slot], CONTROL_BYTES);
  }
  /* The buffers for a boot's few messages were all offered at once: the device needs the recycled ones only later. */
  offered += taken;
  if (offered >= CONTROL_BUFFERS / 2) {
    virtq_kick(&control_rx);
    offered = 0;
  }
  tell_control();
}

static int readable(void) {
  poll_control();
  if (current >= 0) return 1;
  current = virtq_take(rx, &current_length);
  current_at = 0;
  return current >= 0;
}

static size_t read(void *to, size_t count) {
  if (!readable()) return 0;
  uint32_t left = current_length - current_at;
  uint32_t take = count < left ? count : left;
  memcpy(to, rx_buffers[current] + current_at, take);
  current_at += take;
  if (current_at == current_length) {
    virtq_offer(rx, current, rx_buffers[current], RX_BYTES);
    virtq_kick(rx);
    current = -1;
  }
  return take;
}

static void post(const struct iovec *pieces, int count) {
  wait_sent();
  virtq_send(tx, pieces, count);
  sending = 1;
}

/* Opening takes time: the port opens at the first output. */
static int open_console(void) {
  if (console_open) return 1;
  /* The device sends a port's name before it releases the message that asked for it. */
  await_control(0);
  poll_control();
  if (!console_port) return 0;
  send_control(console_port, PORT_OPEN, 1);
  tell_control();
  console_open = 1;
  return 1;
}

static void post_console(const struct iovec *pieces, int count) { virtq_send(&port_tx[console_port], pieces, count); }

static int is_console_sent(void) {
  uint32_t length;
  return virtq_take(&port_tx[console_port], &length) >= 0;
}

static const struct channel_driver driver = {readable, read, post, wait_sent, open_console, post_console, is_console_sent};

void virtio_serial_init(void) {
  if (!virtio_open(&device, VIRTIO_CONSOLE, F_MULTIPORT)) panic("no virtio serial device with several ports");
  mark(MARK_DISCOVERY);
  if (!virtio_queue(&device, &control_rx, CONTROL_RX) || !virtio_queue(&device, &control_tx, CONTROL_TX))
    panic("the virtio serial device has no control queues");
  for (int id = 1; id <= PORTS; id++) {
    if (!virtio_queue(&device, &port_rx[id], 2 * (id + 1))) break;
    virtio_queue(&device, &port_tx[id], 2 * (id + 1) + 1);
  }
  virtio_start(&device);
  for (uint16_t i = 0; i < CONTROL_BUFFERS; i++) virtq_offer(&control_rx, i, control_buffers[i], CONTROL_BYTES);
  virtq_kick(&control_rx);
  send_control(0, DEVICE_READY, 1);
  tell_control();
  for (poll_control(); !open_port; poll_control()) cpu_sleep();
  channel_use(&driver);
}
