/* The date of an answer. For guest/http alone. */
#ifndef FIRSTLIGHT_DATE_H
#define FIRSTLIGHT_DATE_H

#include "buffer.h"

/* Adds a time in seconds since 1970, such as "Sun, 06 Nov 1994 08:49:37 GMT". */
void add_date(struct buffer *to, uint64_t seconds);

#endif
