#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"

void *ember_memcpy(void *, const void *, size_t);
void *ember_memmove(void *, const void *, size_t);
void *ember_memset(void *, int, size_t);
int ember_memcmp(const void *, const void *, size_t);
size_t ember_strlen(const char *);

static uint8_t a[256], b[256];

static void fill(uint8_t *p) {
  for (int i = 0; i < 256; i++) p[i] = rand();
}

int main(void) {
  int copy = 1, move = 1, set = 1, compare = 1;
  for (size_t count = 0; count < 70; count++) {
    for (size_t from = 0; from < 20; from++) {
      for (size_t to = 0; to < 20; to++) {
        fill(a);
        memcpy(b, a, 256);
        move &= ember_memmove(a + 100 + to, a + 100 + from, count) == a + 100 + to;
        memmove(b + 100 + to, b + 100 + from, count);
        move &= memcmp(a, b, 256) == 0;
        ember_memcpy(a + to, a + 180, count);
        memcpy(b + to, b + 180, count);
        copy &= memcmp(a, b, 256) == 0;
      }
      ember_memset(a + from, 0x1a5 + (int)count, count);
      memset(b + from, 0x1a5 + (int)count, count);
      set &= memcmp(a, b, 256) == 0;
    }
    fill(a);
    memcpy(b, a, 256);
    if (count > 0) b[count - 1] ^= 0x80;
    int expected = memcmp(a, b, count), got = ember_memcmp(a, b, count);
    compare &= (expected < 0) == (got < 0) && (expected > 0) == (got > 0);
  }
  CHECK(copy, "memcpy");
  CHECK(move, "memmove, every overlap");
  CHECK(set, "memset");
  CHECK(compare, "memcmp");
  CHECK(ember_strlen("") == 0 && ember_strlen("four") == 4, "strlen");
  return failures != 0;
}
