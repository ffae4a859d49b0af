/* The virtio-serial driver against a simulated device: a channel and a console, and used rings that lie. */
#include "../../dev/virtio-serial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../dev/channel.h"
#include "../../dev/virtio.h"
#include "check.h"

enum { DEVICE_READY, PORT_ADD, PORT_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME };
enum { CONTROL_RX = 2, CONTROL_TX, INVOKE_RX, INVOKE_TX, CONSOLE_RX, CONSOLE_TX, QUEUES };

static struct virtq *queues[QUEUES];
/* What of each queue's available ring the device has taken. */
static uint16_t taken[QUEUES];
static uint16_t bell;
static const struct channel_driver *driver;
static char sent[QUEUES][256], words[256];
static size_t sent_bytes[QUEUES];
static jmp_buf panicked;
static int is_random;

_Noreturn void panic(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  longjmp(panicked, 1);
}
uint64_t marks[16];
void channel_use(const struct channel_driver *used) { driver = used; }

static int has(uint16_t type) { return type == VIRTIO_CONSOLE; }
static int open_device(struct virtio_device *d, uint16_t type, uint32_t wanted) { return d && type == VIRTIO_CONSOLE && wanted == 2; }
static int open_queue(struct virtio_device *d, struct virtq *q, uint16_t number) {
  (void)d;
  if (number >= QUEUES) return 0;
  q->number = number;
  q->size = QUEUE_MAX;
  q->notify = &bell;
  queues[number] = q;
  return 1;
}
static void start(struct virtio_device *d) { (void)d; }
static const struct virtio_transport transport = {has, open_device, open_queue, start};

static void use(int number, uint32_t id, uint32_t length) {
  struct virtq *q = queues[number];
  q->used.ring[q->used.index % q->size].id = id;
  q->used.ring[q->used.index % q->size].length = length;
  q->used.index++;
}

/* Takes the next buffer that the driver has made available; -1 when there is none. */
static int next_slot(int number) {
  struct virtq *q = queues[number];
  if (taken[number] == q->avail.index) return -1;
  return q->avail.ring[taken[number]++ % q->size];
}

/* Writes into the driver's next buffer. */
static void deliver(int number, const void *bytes, uint32_t length) {
  int slot = next_slot(number);
  if (slot < 0 || queues[number]->desc[slot].length < length) abort();
  memcpy((void *)queues[number]->desc[slot].address, bytes, length);
  use(number, slot, length);
}

static void tell(uint32_t id, uint16_t event, const char *text) {
  struct {
    uint32_t id;
    uint16_t event, value;
    char text[48];
  } message = {id, event, 1, ""};
  strcpy(message.text, text);
  deliver(CONTROL_RX, &message, 8 + strlen(text));
}

static void heed(const void *control) {
  struct {
    uint32_t id;
    uint16_t event, value;
  } message;
  memcpy(&message, control, sizeof message);
  if (message.event == DEVICE_READY) {
    tell(1, PORT_ADD, "");
    tell(2, PORT_ADD, "");
  }
  if (message.event == PORT_READY) tell(message.id, PORT_NAME, message.id == 1 ? "dev.firstlight.invoke.0" : "dev.firstlight.console.0");
}

/* The device's turn: what was sent arrives, and control messages are answered. */
static void turn(void) {
  for (int number = CONTROL_TX; number < QUEUES; number += 2) {
    for (int slot; queues[number] && (slot = next_slot(number)) >= 0; use(number, slot, 0)) {
      const struct virtq_desc *at = &queues[number]->desc[slot];
      for (;; at = &queues[number]->desc[at->next]) {
        if (number == CONTROL_TX) heed((const void *)at->address);
        else memcpy(sent[number] + sent_bytes[number], (const void *)at->address, at->length), sent_bytes[number] += at->length;
        if (!(at->flags & 1)) break;
      }
    }
  }
}

static void lie(void) {
  for (int count = rand() % 3; count > 0; count--) {
    int number = CONTROL_RX + rand() % (QUEUES - CONTROL_RX);
    if (queues[number]) use(number, rand() % 4 ? rand() % QUEUE_MAX : rand(), rand() % 4 ? rand() % 64 : rand());
  }
}

void cpu_sleep(void) {
  if (is_random) lie();
  turn();
}

/* 1 when the driver panics at this used entry, with these words. */
static int is_refused(int number, uint32_t id, uint32_t length, const char *wanted) {
  if (setjmp(panicked)) return strstr(words, wanted) != 0;
  use(number, id, length);
  uint8_t to[4096];
  for (int i = 0; i < 3; i++) driver->read(to, sizeof to);
  return 0;
}

static int is_within(const struct virtq *q, uint64_t from, uint64_t bytes) {
  for (int i = 0; i < QUEUE_MAX; i++) {
    if (q->desc[i].length && (q->desc[i].address < from || q->desc[i].address + q->desc[i].length > from + bytes)) return 0;
  }
  return 1;
}

static void test_channel(void) {
  char got[16] = {0};
  virtio_serial_init();
  CHECK(driver != 0, "a port with the channel's name is opened");
  CHECK(!driver->readable() && driver->read(got, 8) == 0, "nothing has come");
  deliver(INVOKE_RX, "hello", 5);
  CHECK(driver->readable() && driver->read(got, 2) == 2 && driver->read(got + 2, 8) == 3 && strcmp(got, "hello") == 0, "bytes come in pieces");
  driver->post((struct iovec[]){{"ab", 2}, {"c", 1}}, 2);
  driver->wait_sent();
  CHECK(strcmp(sent[INVOKE_TX], "abc") == 0, "and go");
  CHECK(driver->open_console(), "the console is the other port");
  driver->post_console(&(struct iovec){"out", 3}, 1);
  turn();
  CHECK(driver->is_console_sent() && strcmp(sent[CONSOLE_TX], "out") == 0, "which has what is printed");
  int wraps = 1;
  for (int i = 0; i < 70000; i++) {
    deliver(INVOKE_RX, &i, sizeof i);
    int back = -1;
    wraps &= driver->read(&back, sizeof back) == sizeof back && back == i;
  }
  CHECK(wraps, "70,000 buffers come in order");
}

static void test_lies(void) {
  uint64_t first = queues[INVOKE_RX]->desc[0].address, control = queues[CONTROL_RX]->desc[0].address;
  CHECK(is_refused(INVOKE_RX, 100, 0, "was not given"), "a buffer that was never offered is refused");
  CHECK(is_refused(INVOKE_RX, 32, 0, "was not given"), "also the first behind them");
  CHECK(is_refused(INVOKE_RX, QUEUE_MAX, 0, "descriptor 128 of 128"), "and one outside the queue");
  CHECK(is_refused(CONTROL_RX, 16, 8, "was not given") && is_refused(CONTROL_RX, 127, 0, "was not given"), "so it is with control messages");
  CHECK(is_refused(INVOKE_RX, 3, 4097, "into a buffer of 4096"), "more bytes than a buffer has are refused");
  CHECK(is_within(queues[INVOKE_RX], first, 32 * 4096) && is_within(queues[CONTROL_RX], control, 16 * 64), "no descriptor leads out of the buffers");
}

/* A used ring of random entries ends in words or is taken for bytes, and never touches other memory. Each round has a process of its own. */
static void test_random(void) {
  int harmed = 0;
  for (int round = 0; round < 300; round++) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      uint8_t to[5000];
      srand(round);
      is_random = round % 2;
      if (setjmp(panicked)) _exit(words[0] ? 0 : 1);
      virtio_serial_init();
      driver->open_console();
      for (int i = 0; i < 50; i++) {
        lie();
        driver->read(to, rand() % sizeof to);
        driver->post(&(struct iovec){"x", 1}, 1);
        turn();
        for (int number = CONTROL_RX; number < QUEUES; number += 2) {
          for (int slot = 0; slot < QUEUE_MAX; slot++) {
            const struct virtq_desc *at = &queues[number]->desc[slot];
            if (at->length) memset((void *)at->address, 0xff, at->length);
          }
        }
      }
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    harmed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  }
  CHECK(harmed == 0, "300 random used rings do no harm");
}

int main(void) {
  virtio_use(&transport);
  test_random();
  test_channel();
  test_lies();
  return failures != 0;
}
