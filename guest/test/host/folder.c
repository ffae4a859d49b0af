/* The transport of the shared folder against a simulated device: answers, a machine without one, and a device that lies or is silent. */
#include "../../dev/virtio-9p.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "../../dev/virtio.h"
#include "check.h"

static uint64_t now_ns, deadline_ns;
static int has_folder, is_pending, is_silent, sleeps;
static uint32_t written;
static jmp_buf panicked;
static char words[256];
static struct iovec asked, answer;

_Noreturn void panic(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  longjmp(panicked, 1);
}
uint64_t clock_boot_ns(void) { return now_ns; }
void cpu_sleep_for(uint64_t ns) {
  now_ns += ns;
  sleeps++;
}
int virtio_has(uint16_t type) { return has_folder && type == VIRTIO_9P; }
int virtio_open(struct virtio_device *d, uint16_t type, uint32_t wanted) { return d && type == VIRTIO_9P && wanted == 0; }
int virtio_queue(struct virtio_device *d, struct virtq *q, uint16_t number) {
  (void)d;
  q->size = 2;
  return number == 0;
}
void virtio_start(struct virtio_device *d) { (void)d; }
void virtq_ask(struct virtq *q, struct iovec question, const struct iovec *answers, int count) {
  if (count + 1 > q->size) abort();
  asked = question;
  answer = answers[0];
  is_pending = 1;
}
int virtq_answered(struct virtq *q, uint32_t *count) {
  (void)q;
  /* An answer takes a moment. */
  if (!is_pending || is_silent || sleeps == 0) return 0;
  is_pending = 0;
  memset((void *)answer.base, 7, answer.length < written ? answer.length : written);
  *count = written;
  return 1;
}

static uint8_t *room;
static uint32_t ask(uint32_t bytes, uint32_t most) {
  sleeps = 0;
  return virtio_9p_ask("message", bytes, room, most, deadline_ns);
}

int main(void) {
  room = malloc(100);
  has_folder = 1;
  written = 100;
  CHECK(ask(7, 100) == 100 && room[99] == 7 && asked.length == 7 && answer.length == 100, "a message goes out, and its answer comes back");
  written = 12;
  CHECK(ask(7, 100) == 12, "an answer may be short");
  written = 0xffffffff;
  CHECK(ask(7, 100) == 100, "a device cannot say that it wrote more than there is room for");
  CHECK(ask(0, 100) == 0 && ask(7, 0) == 0, "nothing is not asked");
  is_silent = 1;
  int ended = setjmp(panicked);
  if (!ended) ask(7, 100);
  CHECK(ended && strcmp(words, "the shared folder has not answered for 10000 ms") == 0 && now_ns < 11000000000ull, "a silent device ends the guest after 10 s");
  deadline_ns = now_ns + 1000000000;
  ended = setjmp(panicked);
  if (!ended) ask(7, 100);
  CHECK(ended && strcmp(words, "the shared folder has not answered for 1000 ms, and the time of the invocation is up") == 0, "or at the invocation's deadline");
  free(room);
  return failures != 0;
}
