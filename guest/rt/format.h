/* Text formatting: %s %d %u %x %c %% with l, zero padding and width. */
#ifndef EMBER_FORMAT_H
#define EMBER_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Writes at most `size` bytes, including the final zero. Returns the length written without it. */
size_t format_text(char *to, size_t size, const char *format, va_list);

/* The same, with direct arguments. */
size_t format_words(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Formats text onto the console; the text is cut at 511 bytes. */
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
