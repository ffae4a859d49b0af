#include "format.h"

#include <stdint.h>

#include "memory.h"

struct out {
  char *at, *end;
};

static void put(struct out *out, char c) {
  if (out->at < out->end) *out->at++ = c;
}

static void put_number(struct out *out, uint64_t value, unsigned base, int negative, int width, char pad) {
  char digits[24];
  int count = 0;
  do digits[count++] = "0123456789abcdef"[value % base];
  while ((value /= base) > 0);
  if (negative && pad == '0') put(out, '-');
  for (int i = count + negative; i < width; i++) put(out, pad);
  if (negative && pad != '0') put(out, '-');
  while (count > 0) put(out, digits[--count]);
}

static void put_text(struct out *out, const char *text, int width) {
  if (!text) text = "(null)";
  for (int i = strlen(text); i < width; i++) put(out, ' ');
  while (*text) put(out, *text++);
}

size_t format_text(char *to, size_t size, const char *format, va_list args) {
  if (size == 0) return 0;
  struct out out = {to, to + size - 1};
  for (; *format; format++) {
    if (*format != '%') {
      put(&out, *format);
      continue;
    }
    format++;
    char pad = ' ';
    if (*format == '0') {
      pad = '0';
      format++;
    }
    int width = 0;
    while (*format >= '0' && *format <= '9') width = width * 10 + *format++ - '0';
    int is_long = 0;
    while (*format == 'l') {
      is_long = 1;
      format++;
    }
    if (*format == 's') {
      put_text(&out, va_arg(args, const char *), width);
    } else if (*format == 'c') {
      put(&out, va_arg(args, int));
    } else if (*format == 'd') {
      int64_t value = is_long ? va_arg(args, int64_t) : va_arg(args, int);
      put_number(&out, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0, width, pad);
    } else if (*format == 'u' || *format == 'x') {
      uint64_t value = is_long ? va_arg(args, uint64_t) : va_arg(args, unsigned);
      put_number(&out, value, *format == 'x' ? 16 : 10, 0, width, pad);
    } else if (*format == '%') {
      put(&out, '%');
    } else {
      break; /* an unknown conversion, or the end */
    }
  }
  *out.at = 0;
  return out.at - to;
}

size_t format_words(char *to, size_t size, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t length = format_text(to, size, format, args);
  va_end(args);
  return length;
}
