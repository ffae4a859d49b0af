/* HTTP/1.1 requests: the received bytes, and the function's event for them. */
#define _GNU_SOURCE
#include "supervisor.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MOST_HEAD_BYTES (64u << 10)
/* An event is JSON of at most 16 MiB; a larger body does not fit into one. */
#define MOST_BODY_BYTES (16u << 20)

void request_free(struct request *request)
{
  free(request->target);
  buffer_free(&request->headers);
  buffer_free(&request->body);
  memset(request, 0, sizeof *request);
}

const char *request_header(const struct request *request, const char *name)
{
  const char *at = (const char *)request->headers.data;
  const char *end = at + request->headers.length;

  while (at < end) {
    const char *value = at + strlen(at) + 1;

    if (strcmp(at, name) == 0)
      return value;
    at = value + strlen(value) + 1;
  }
  return NULL;
}

/* Reads one header line. False when the line is not a header. */
static bool add_header(struct request *request, const char *line, size_t length)
{
  const char *colon = memchr(line, ':', length);

  if (!colon || colon == line || memchr(line, 0, length))
    return false;
  for (const char *at = line; at < colon; at++) {
    char lower = (char)tolower((unsigned char)*at);

    if (lower <= ' ')
      return false;
    buffer_add(&request->headers, &lower, 1);
  }
  const char *value = colon + 1;
  const char *end = line + length;

  while (value < end && (*value == ' ' || *value == '\t'))
    value++;
  while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
    end--;
  buffer_add(&request->headers, "", 1);
  buffer_add(&request->headers, value, (size_t)(end - value));
  buffer_add(&request->headers, "", 1);
  return true;
}

static enum parse_result parse_head(const char *head, size_t length, struct request *request)
{
  const char *line_end = memmem(head, length, "\r\n", 2);
  const char *space = memchr(head, ' ', (size_t)(line_end - head));
  const char *second = space ? memchr(space + 1, ' ', (size_t)(line_end - space - 1)) : NULL;

  if (!second || (size_t)(space - head) >= sizeof request->method || space == head || second == space + 1)
    return PARSE_BAD;
  if ((size_t)(line_end - second) != 9 || memcmp(second, " HTTP/1.", 8) != 0)
    return PARSE_BAD;
  memcpy(request->method, head, (size_t)(space - head));
  request->target = strndup(space + 1, (size_t)(second - space - 1));
  for (const char *at = line_end + 2; at < head + length;) {
    const char *end = memmem(at, (size_t)(head + length - at), "\r\n", 2);

    if (!end || end == at)
      break;
    if (!add_header(request, at, (size_t)(end - at)))
      return PARSE_BAD;
    at = end + 2;
  }
  return PARSE_DONE;
}

/* A body in chunks. Source: RFC 9112, section 7.1. */
static enum parse_result parse_chunks(const char *at, size_t left, struct buffer *body)
{
  for (;;) {
    const char *end = memmem(at, left, "\r\n", 2);
    char *stop;

    if (!end)
      return left > 64 ? PARSE_BAD : PARSE_MORE;
    size_t size = strtoul(at, &stop, 16);

    if (stop == at || (stop != end && *stop != ';' && *stop != ' '))
      return PARSE_BAD;
    if (size > MOST_BODY_BYTES || body->length + size > MOST_BODY_BYTES)
      return PARSE_TOO_LARGE;
    left -= (size_t)(end + 2 - at);
    at = end + 2;
    if (size == 0)
      return left >= 2 ? PARSE_DONE : PARSE_MORE;
    if (left < size + 2)
      return PARSE_MORE;
    if (memcmp(at + size, "\r\n", 2) != 0)
      return PARSE_BAD;
    buffer_add(body, at, size);
    at += size + 2;
    left -= size + 2;
  }
}

enum parse_result request_parse(const struct buffer *bytes, struct request *request)
{
  const char *head = (const char *)bytes->data;
  const char *end = bytes->length ? memmem(head, bytes->length, "\r\n\r\n", 4) : NULL;

  if (!end)
    return bytes->length > MOST_HEAD_BYTES ? PARSE_TOO_LARGE : PARSE_MORE;
  enum parse_result result = parse_head(head, (size_t)(end + 2 - head), request);

  if (result != PARSE_DONE)
    return result;
  const char *body = end + 4;
  size_t left = bytes->length - (size_t)(body - head);
  const char *length_text = request_header(request, "content-length");
  const char *encoding = request_header(request, "transfer-encoding");
  const char *expects = request_header(request, "expect");

  request->expects_continue = expects && strcasecmp(expects, "100-continue") == 0;
  if (encoding && (length_text || strcasecmp(encoding, "chunked") != 0))
    return PARSE_BAD;
  if (encoding)
    return parse_chunks(body, left, &request->body);
  if (!length_text)
    return PARSE_DONE;
  char *stop;
  unsigned long length = strtoul(length_text, &stop, 10);

  if (*stop || stop == length_text || !isdigit((unsigned char)*length_text))
    return PARSE_BAD;
  if (length > MOST_BODY_BYTES)
    return PARSE_TOO_LARGE;
  if (left < length)
    return PARSE_MORE;
  buffer_add(&request->body, body, length);
  return PARSE_DONE;
}
