#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <ctype.h>

#include "../rt/engine.h"

void *malloc(size_t count) {
  if (count > UINT32_MAX) return 0;
  /* The flag is the function's own: a request that finds no memory is not the function's fault. */
  int before = engine_out_of_memory;
  uint32_t offset = Z_qjsZ_wasm_malloc(&engine, count);
  engine_out_of_memory = before;
  return offset ? engine_at(offset) : 0;
}

void free(void *block) {
  if (block) Z_qjsZ_wasm_free(&engine, (uint64_t)block - EMBER_LINEAR_BASE);
}

void *memchr(const void *in, int byte, size_t count) {
  const uint8_t *at = in;
  for (; count > 0; count--, at++) {
    if (*at == (uint8_t)byte) return (void *)at;
  }
  return 0;
}

void *memmem(const void *in, size_t count, const void *wanted, size_t wanted_count) {
  const uint8_t *at = in;
  if (wanted_count == 0) return (void *)in;
  for (; count >= wanted_count; count--, at++) {
    if (*at == *(const uint8_t *)wanted && memcmp(at, wanted, wanted_count) == 0) return (void *)at;
  }
  return 0;
}

int strncmp(const char *a, const char *b, size_t count) {
  for (; count > 0; count--, a++, b++) {
    if (*a != *b || !*a) return (uint8_t)*a - (uint8_t)*b;
  }
  return 0;
}

int strcmp(const char *a, const char *b) { return strncmp(a, b, SIZE_MAX); }

int strncasecmp(const char *a, const char *b, size_t count) {
  for (; count > 0; count--, a++, b++) {
    int difference = tolower((uint8_t)*a) - tolower((uint8_t)*b);
    if (difference || !*a) return difference;
  }
  return 0;
}

int strcasecmp(const char *a, const char *b) { return strncasecmp(a, b, SIZE_MAX); }

char *strcasestr(const char *in, const char *wanted) {
  size_t count = strlen(wanted);
  for (; *in; in++) {
    if (strncasecmp(in, wanted, count) == 0) return (char *)in;
  }
  return count == 0 ? (char *)in : 0;
}

char *strchr(const char *in, int wanted) {
  for (; *in != (char)wanted; in++) {
    if (!*in) return 0;
  }
  return (char *)in;
}

size_t strcspn(const char *in, const char *without) {
  size_t count = 0;
  while (in[count] && !strchr(without, in[count])) count++;
  return count;
}

size_t strspn(const char *in, const char *with) {
  size_t count = 0;
  while (in[count] && strchr(with, in[count])) count++;
  return count;
}

char *strndup(const char *text, size_t most) {
  size_t count = 0;
  while (count < most && text[count]) count++;
  char *copy = malloc(count + 1);
  if (!copy) return 0;
  memcpy(copy, text, count);
  copy[count] = 0;
  return copy;
}
