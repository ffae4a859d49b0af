/* The virtio-mmio devices that a command line names, in every notation. */
#include "../../dev/virtio-mmio.h"

#include <stdlib.h>
#include <string.h>
#include "check.h"

_Noreturn void panic(const char *format, ...) { (void)format; abort(); }
volatile void *pages_map_device(uint64_t physical, uint32_t length) { (void)physical; (void)length; abort(); }
void interrupt_acknowledge_by(volatile uint32_t *reg) { (void)reg; abort(); }

static struct mmio_place places[2];

static int read_places(const char *text) {
  /* Uses memory of exactly its size, so that the sanitizer reports a read of one byte too many. */
  size_t bytes = strlen(text);
  char *copy = malloc(bytes + 1);
  memcpy(copy, text, bytes);
  int count = mmio_places(copy, bytes, places, 2);
  free(copy);
  return count;
}

static int is_refused(const char *text) { return read_places(text) == 0; }

int main(void) {
  CHECK(read_places("reboot=k virtio_mmio.device=4K@0xc0001000:5") == 1 && places[0].address == 0xc0001000 && places[0].line == 5, "Firecracker's form is read");
  CHECK(read_places(" virtio_mmio.device=4096@0xd0000000:11:3  virtio_mmio.device=8K@3221229568:6 quiet") == 2 && places[0].line == 11 && places[1].address == 0xc0001000,
        "so are sizes in bytes, decimal addresses, and ids");
  CHECK(read_places("virtio_mmio.device=4K@0x1000:1 virtio_mmio.device=4K@0x2000:2 virtio_mmio.device=4K@0x3000:3") == 2, "no more than there is room for");
  CHECK(mmio_places("quiet\0virtio_mmio.device=4K@0x1000:1", 40, places, 2) == 0, "the text ends at its first zero");
  CHECK(is_refused("") && is_refused("virtio_mmio.device=") && is_refused("virtio_mmio.device=4K") && is_refused("virtio_mmio.device=4K@") &&
            is_refused("virtio_mmio.device=4K@0x1000") && is_refused("virtio_mmio.device=@0x1000:5"),
        "half of one is none");
  CHECK(is_refused("virtio_mmio.device=1K@0x1000:5") && is_refused("virtio_mmio.device=4K@0x1001:5") && is_refused("virtio_mmio.device=4K@0x1000:256") &&
            is_refused("virtio_mmio.device=4K@0x1000:5x") && is_refused("xvirtio_mmio.device=4K@0x1000:5"),
        "nor is one that is too small, out of line, or something else");

  static const char alphabet[] = "0123456789abcdefxK@: =virtio_mmio.device";
  uint64_t state = 88172645463325252ull;
  int sound = 1;
  for (int round = 0; round < 200000; round++) {
    char text[64] = "virtio_mmio.device=";
    size_t length = round % 2 ? strlen(text) : 0;
    for (; length < 63; length++) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      text[length] = alphabet[state % (sizeof alphabet - 1)];
    }
    text[1 + state % 62] = 0;
    int count = read_places(text);
    sound &= count >= 0 && count <= 2;
    for (int i = 0; i < count; i++) sound &= places[i].address % 4096 == 0 && places[i].line < 256;
  }
  CHECK(sound, "no command line leads out of it");
  return failures != 0;
}
