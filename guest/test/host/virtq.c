/* The queue against a device played by the test: descriptors, wrapping indices, and a device that lies. */
#include "../../dev/virtio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"

static jmp_buf panicked;
_Noreturn void panic(const char *format, ...) { (void)format; longjmp(panicked, 1); }
volatile void *pages_map_device(uint64_t physical, uint32_t length) { (void)physical; (void)length; abort(); }
uint64_t interrupt_message_address(void) { return 0; }
uint32_t interrupt_message_data(void) { return 0; }
uint32_t pci_read(pci_address a, int o) { (void)a; (void)o; abort(); }
void pci_write(pci_address a, int o, uint32_t v) { (void)a; (void)o; (void)v; abort(); }
pci_address pci_find(uint16_t v, uint16_t d, uint16_t o) { (void)v; (void)d; (void)o; abort(); }
int pci_capabilities(pci_address a, struct pci_capability *c, int n) { (void)a; (void)c; (void)n; abort(); }
uint64_t pci_memory(pci_address a, int b) { (void)a; (void)b; abort(); }
void pci_enable(pci_address a) { (void)a; abort(); }

static struct virtq q;
static uint16_t bell;

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
