/* Clocks and the log. */
#define _GNU_SOURCE
#include "supervisor.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void buffer_format(struct buffer *to, const char *format, ...)
{
  char text[512];
  va_list list;

  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  buffer_text(to, text);
}

void buffer_no_memory(void)
{
  fail("out of memory");
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

uint64_t answer_seconds(void)
{
  return (uint64_t)wall_ns() / 1000000000;
}
