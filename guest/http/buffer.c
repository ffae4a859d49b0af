#include "buffer.h"
#include <stdlib.h>
#include <string.h>

void buffer_reserve(struct buffer *to, size_t capacity)
{
  if (capacity <= to->capacity)
    return;
  uint8_t *data = malloc(capacity);

  if (!data) {
    buffer_no_memory();
    to->is_short = true;
    return;
  }
  if (to->length)
    memcpy(data, to->data, to->length);
  free(to->data);
  to->data = data;
  to->capacity = capacity;
}

void buffer_add(struct buffer *to, const void *data, size_t length)
{
  if (to->capacity - to->length < length) {
    size_t capacity = to->capacity ? to->capacity : 1024;

    while (capacity - to->length < length)
      capacity *= 2;
    buffer_reserve(to, capacity);
  }
  if (to->is_short || length == 0)
    return;
  memcpy(to->data + to->length, data, length);
  to->length += length;
}

void buffer_text(struct buffer *to, const char *text)
{
  buffer_add(to, text, strlen(text));
}

void buffer_number(struct buffer *to, uint64_t number)
{
  char digits[20];
  size_t at = sizeof digits;

  do
    digits[--at] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  buffer_add(to, digits + at, sizeof digits - at);
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
  static const char hex[] = "0123456789abcdef";
  const uint8_t *bytes = (const uint8_t *)text;
  size_t plain = 0;

  buffer_add(to, "\"", 1);
  for (size_t i = 0; i < length;) {
    size_t step = utf8_length(bytes + i, length - i);
    bool is_plain = step > 1 || (step == 1 && bytes[i] >= 0x20 && bytes[i] != '"' && bytes[i] != '\\');

    /* Plain text is added in one piece. */
    if (!is_plain) {
      buffer_add(to, bytes + plain, i - plain);
      if (step == 0) {
        buffer_text(to, "\\ufffd");
        step = 1;
      } else if (bytes[i] < 0x20) {
        char escape[6] = { '\\', 'u', '0', '0', hex[bytes[i] >> 4], hex[bytes[i] & 15] };

        buffer_add(to, escape, sizeof escape);
      } else {
        char escape[2] = { '\\', (char)bytes[i] };

        buffer_add(to, escape, sizeof escape);
      }
      plain = i + step;
    }
    i += step;
  }
  buffer_add(to, bytes + plain, length - plain);
  buffer_add(to, "\"", 1);
}
