#include "memory.h"

#include <stdint.h>

/* `rep movs` is one translated block under emulation and microcode with hardware help; a C loop is neither. */
void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  void *result = to;
  size_t words = count / 8;
  count %= 8;
  __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)::"memory");
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory");
  return result;
}

void *memmove(void *to, const void *from, size_t count) {
  uintptr_t distance = (uintptr_t)to - (uintptr_t)from;
  if (distance >= count) return memcpy(to, from, count);
  /* A forward copy would overwrite bytes before they are read. */
  uint8_t *d = (uint8_t *)to + count;
  const uint8_t *s = (const uint8_t *)from + count;
  if (distance >= 8) {
    for (; count >= 8; count -= 8) {
      uint64_t word;
      d -= 8;
      s -= 8;
      __builtin_memcpy(&word, s, 8);
      __builtin_memcpy(d, &word, 8);
    }
  }
  while (count-- > 0) *--d = *--s;
  return to;
}

void *memset(void *to, int value, size_t count) {
  void *result = to;
  size_t words = count / 8;
  count %= 8;
  uint64_t word = (uint8_t)value * 0x0101010101010101ull;
  __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(word) : "memory");
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(word) : "memory");
  return result;
}

int memcmp(const void *a, const void *b, size_t count) {
  const uint8_t *x = a, *y = b;
  for (; count > 0; count--, x++, y++) {
    if (*x != *y) return *x - *y;
  }
  return 0;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}
