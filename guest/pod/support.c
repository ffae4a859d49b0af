/* Bytes, clocks and the log. */
#define _GNU_SOURCE
#include "supervisor.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void buffer_add(struct buffer *to, const void *data, size_t length)
{
  if (to->capacity - to->length < length) {
    size_t capacity = to->capacity ? to->capacity : 1024;

    while (capacity - to->length < length)
      capacity *= 2;
    to->data = realloc(to->data, capacity);
    if (!to->data)
      fail("out of memory");
    to->capacity = capacity;
  }
  if (length)
    memcpy(to->data + to->length, data, length);
  to->length += length;
}

void buffer_text(struct buffer *to, const char *text)
{
  buffer_add(to, text, strlen(text));
}

void buffer_format(struct buffer *to, const char *format, ...)
{
  char text[512];
  va_list list;

  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  buffer_text(to, text);
}

void buffer_drop(struct buffer *from, size_t length)
{
  from->length -= length;
  memmove(from->data, from->data + length, from->length);
}

void buffer_free(struct buffer *of)
{
  free(of->data);
  memset(of, 0, sizeof *of);
}

/* The length of the UTF-8 sequence at `at`, or 0 where there is none. */
static size_t utf8_length(const uint8_t *at, size_t left)
{
  size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 : at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : 0;

  if (length > left)
    return 0;
  for (size_t i = 1; i < length; i++)
    if ((at[i] & 0xc0) != 0x80)
      return 0;
  if (length == 3 && ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0)))
    return 0;
  if (length == 4 && ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90)))
    return 0;
  return length;
}

void buffer_json(struct buffer *to, const char *text, size_t length)
{
  const uint8_t *bytes = (const uint8_t *)text;

  buffer_add(to, "\"", 1);
  for (size_t i = 0; i < length;) {
    size_t step = utf8_length(bytes + i, length - i);

    if (step == 0) {
      buffer_text(to, "\\ufffd");
      step = 1;
    } else if (bytes[i] == '"' || bytes[i] == '\\') {
      buffer_add(to, "\\", 1);
      buffer_add(to, bytes + i, 1);
    } else if (bytes[i] < 0x20) {
      buffer_format(to, "\\u%04x", bytes[i]);
    } else {
      buffer_add(to, bytes + i, step);
    }
    i += step;
  }
  buffer_add(to, "\"", 1);
}

static void print_line(const char *format, va_list list)
{
  char text[1024];

  vsnprintf(text, sizeof text, format, list);
  fprintf(stderr, "firstlight: %s\n", text);
}

void say(const char *format, ...)
{
  va_list list;

  va_start(list, format);
  print_line(format, list);
  va_end(list);
}

_Noreturn void fail(const char *format, ...)
{
  va_list list;

  va_start(list, format);
  print_line(format, list);
  va_end(list);
  exit(1);
}

static int64_t read_clock(clockid_t clock)
{
  struct timespec at;

  clock_gettime(clock, &at);
  return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

int64_t now_ms(void)
{
  return read_clock(CLOCK_MONOTONIC) / 1000000;
}

int64_t wall_ns(void)
{
  return read_clock(CLOCK_REALTIME);
}
