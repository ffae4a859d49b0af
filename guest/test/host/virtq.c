/* The queue against a device that the test simulates: descriptors, wrapping indices, and a device that lies. */
#include "../../dev/virtio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include "check.h"

static jmp_buf panicked;
_Noreturn void panic(const char *format, ...) { (void)format; longjmp(panicked, 1); }

static struct virtq q;
static uint16_t bell;
static uint32_t wide_bell;

static void use(uint32_t id, uint32_t length) {
  q.used.ring[q.used.index % q.size].id = id;
  q.used.ring[q.used.index % q.size].length = length;
  q.used.index++;
}

int main(void) {
  q.size = 4;
  q.number = 9;
  q.notify = &bell;
  uint32_t length;
  char buffer[8];
  CHECK(virtq_take(&q, &length) == -1, "an idle queue has nothing");

  struct iovec pieces[3] = {{"ab", 2}, {"cde", 3}, {"f", 1}};
  virtq_send(&q, pieces, 3);
  CHECK(bell == 9, "a send rings the queue's bell");
  CHECK(q.avail.index == 1 && q.avail.ring[0] == 0, "a send publishes its first descriptor");
  CHECK(q.desc[0].flags == 1 && q.desc[0].next == 1 && q.desc[1].next == 2 && q.desc[2].flags == 0, "pieces are chained");
  CHECK(q.desc[1].length == 3 && memcmp((void *)q.desc[1].address, "cde", 3) == 0, "a descriptor points at its piece");
  use(0, 0);
  CHECK(virtq_take(&q, &length) == 0, "a used chain comes back");

  virtq_post(&q, 1, pieces, 3);
  CHECK(q.avail.ring[1] == 1 && q.desc[1].next == 2 && q.desc[2].next == 3 && q.desc[3].flags == 0, "a chain begins at the slot that it is given");
  use(1, 0);
  CHECK(virtq_take(&q, &length) == 1, "and comes back by it");
  q.notify_mmio = &wide_bell;
  virtq_kick(&q);
  CHECK(wide_bell == 9, "a device without PCI has a bell of 32 bits");
  q.notify_mmio = 0;

  virtq_ask(&q, pieces[0], (struct iovec[]){{buffer, 8}, {buffer, 1}}, 2);
  CHECK(q.desc[0].flags == 1 && q.desc[1].flags == 3 && q.desc[2].flags == 2 && q.desc[0].next == 1 && q.desc[1].next == 2, "a question has its answers behind it");
  CHECK(!virtq_answered(&q, &length), "which are not there at once");
  use(0, 9);
  CHECK(virtq_answered(&q, &length) && length == 9, "and then are");
  use(1, 9);
  if (setjmp(panicked) == 0) {
    virtq_answered(&q, &length);
    CHECK(0, "an answer to what was not asked is refused");
  } else {
    CHECK(1, "an answer to what was not asked is refused");
  }

  int wraps = 1;
  for (int i = 0; i < 200000; i++) {
    virtq_offer(&q, i % 4, buffer, 8);
    wraps &= q.avail.ring[(uint16_t)(q.avail.index - 1) % 4] == i % 4 && q.desc[i % 4].flags == 2;
    use(i % 4, i % 9);
    wraps &= virtq_take(&q, &length) == i % 4 && length == (uint32_t)i % 9;
  }
  CHECK(wraps, "indices wrap at 65536");

  virtq_offer(&q, 0, buffer, 8);
  use(0, 9);
  if (setjmp(panicked) == 0) {
    virtq_take(&q, &length);
    CHECK(0, "more bytes than the buffer holds are refused");
  } else {
    CHECK(1, "more bytes than the buffer holds are refused");
  }

  use(4, 1);
  if (setjmp(panicked) == 0) {
    virtq_take(&q, &length);
    CHECK(0, "a descriptor out of range is refused");
  } else {
    CHECK(1, "a descriptor out of range is refused");
  }
  return failures != 0;
}
