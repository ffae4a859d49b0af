#include "console-port.h"

#include "../rt/memory.h"
#include "channel.h"
#include "serial.h"
#include "timer.h"

/* A power of two. */
#define RING_BYTES 32768

static char ring[RING_BYTES];
/* Bytes since the start: copied into the ring, given to the device, and released by the device. */
static uint64_t copied, given, done;
static int is_open;
/* A panic during the device's work must not start that work again. */
static int busy;

/* Takes back the bytes that the device has released, and gives it the bytes copied since. */
static void turn(void) {
  if (given != done && channel()->is_console_sent()) done = given;
  if (given != done || copied == done) return;
  uint32_t at = done % RING_BYTES, count = copied - done;
  uint32_t first = count < RING_BYTES - at ? count : RING_BYTES - at;
  struct iovec pieces[2] = {{ring + at, first}, {ring, count - first}};
  given = copied;
  channel()->post_console(pieces, count > first ? 2 : 1);
}

static void hand_on(void) {
  busy = 1;
  turn();
  busy = 0;
}

/* Returns when the device has taken its bytes and has been given the rest. */
static void wait_for_device(void) {
  uint64_t before = done;
  for (hand_on(); given != done && done == before; hand_on()) cpu_sleep();
}

static void copy(const char *bytes, size_t count) {
  while (count > 0) {
    size_t room = RING_BYTES - (copied - done);
    if (room == 0) {
      wait_for_device();
      continue;
    }
    uint32_t at = copied % RING_BYTES;
    size_t take = count < room ? count : room;
    if (take > RING_BYTES - at) take = RING_BYTES - at;
    memcpy(ring + at, bytes, take);
    copied += take;
    bytes += take;
    count -= take;
  }
}

void console_write(const char *bytes, size_t count) {
  if (!is_open) is_open = channel() && channel()->open_console();
  if (!is_open) {
    serial_write(bytes, count);
    return;
  }
  size_t start = 0;
  for (size_t i = 0; i < count; i++) {
    if (bytes[i] != '\n') continue;
    copy(bytes + start, i - start);
    copy("\r\n", 2);
    start = i + 1;
  }
  copy(bytes + start, count - start);
  hand_on();
}

void console_pump(void) {
  if (is_open && copied != given) hand_on();
}

void console_flush(void) {
  while (is_open && !busy && copied != done) wait_for_device();
}
