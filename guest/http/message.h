/* What requests and responses have in common: headers, and bodies by length or in chunks. For guest/http alone. */
#ifndef FIRSTLIGHT_MESSAGE_H
#define FIRSTLIGHT_MESSAGE_H

#include "http.h"

/* The value of the header after `from`, or of the first one when that is null. */
const char *next_header(const struct request *request, const char *name, const char *from);

/* Adds the headers in these lines, up to an empty one. False when a line is not a header. */
bool add_headers(struct request *to, const char *lines, const char *end);

/* Reads a number of digits only. False where there is something else, or more than fits. */
bool parse_length(const char *text, size_t *length);

/* Adds bytes to the current head or line up to and with its end. Returns how many; `*is_whole`: the end was among them. */
size_t take_until(struct buffer *to, const char *bytes, size_t length, const char *end, bool *is_whole);

/* Takes what belongs to the current phase, which is not the head. */
enum parse_result take_body(struct request *request, const char *bytes, size_t length, struct request_limits limits, size_t *taken);

#endif
