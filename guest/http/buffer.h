/* A growing array of bytes. */
#ifndef FIRSTLIGHT_BUFFER_H
#define FIRSTLIGHT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
  uint8_t *data;
  size_t length;
  size_t capacity;
  bool is_short;	/* there was no memory for something that was added */
};

void buffer_add(struct buffer *to, const void *data, size_t length);
void buffer_text(struct buffer *to, const char *text);
void buffer_number(struct buffer *to, uint64_t number);
/* Adds text as a JSON string with its quotes; invalid UTF-8 is replaced. */
void buffer_json(struct buffer *to, const char *text, size_t length);
/* Makes room for this many bytes in all, and no more. */
void buffer_reserve(struct buffer *to, size_t capacity);
void buffer_drop(struct buffer *from, size_t length);
void buffer_free(struct buffer *of);

/* Each program's own: what happens when there is no memory. It may return: the buffer is short then. */
void buffer_no_memory(void);

#endif
