/* HTTP/1.1 responses of other servers. Source: RFC 9112. */
#define _GNU_SOURCE
#include "message.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A server may send a few of status 1xx before its response, and a hostile one any number. */
#define INTERIM_MOST 16

void response_free(struct response *response)
{
  request_free(&response->message);
  memset(response, 0, sizeof *response);
}

/* Reads "HTTP/1.1 200 OK" and the headers. */
static bool parse_head(struct response *response)
{
  const char *head = (const char *)response->message.head.data;
  size_t length = response->message.head.length - 2;
  const char *line_end = memmem(head, length, "\r\n", 2);

  if (line_end - head < 12 || memcmp(head, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)head[7]) || head[8] != ' ')
    return false;
  if (line_end - head > 12 && head[12] != ' ')
    return false;
  response->status = 0;
  for (const char *at = head + 9; at < head + 12; at++) {
    if (!isdigit((unsigned char)*at))
      return false;
    response->status = response->status * 10 + (*at - '0');
  }
  if (response->status < 100 || response->status > 599)
    return false;
  return add_headers(&response->message, line_end + 2, head + length);
}

/* Decides how the body comes. */
static enum parse_result begin_body(struct response *response, struct request_limits limits)
{
  struct request *message = &response->message;
  const char *length_text = request_header(message, "content-length");
  const char *encoding = request_header(message, "transfer-encoding");

  if (response->status < 200) {
    /* Nobody has asked for another protocol. */
    if (response->status == 101 || ++response->interim > INTERIM_MOST)
      return PARSE_BAD;
    message->headers.length = 0;
    return PARSE_MORE;
  }
  message->phase = REQUEST_DONE;
  if (response->is_head || response->status == 204 || response->status == 304)
    return PARSE_MORE;
  if (length_text && (encoding || next_header(message, "content-length", length_text)))
    return PARSE_BAD;
  if (encoding && (strcasecmp(encoding, "chunked") != 0 || next_header(message, "transfer-encoding", encoding)))
    return PARSE_BAD;
  if (encoding) {
    message->phase = REQUEST_CHUNK_SIZE;
  } else if (length_text) {
    if (!parse_length(length_text, &message->left))
      return PARSE_BAD;
    if (message->left > limits.body)
      return PARSE_TOO_LARGE;
    if (message->left > 0)
      message->phase = REQUEST_BODY;
  } else {
    message->phase = REQUEST_BODY;
    message->left = limits.body;
    response->ends_with_connection = true;
  }
  return PARSE_MORE;
}

static enum parse_result take_head(struct response *response, const char *bytes, size_t length, struct request_limits limits, size_t *taken)
{
  struct buffer *head = &response->message.head;
  bool is_whole = false;

  *taken = take_until(head, bytes, length, "\r\n\r\n", &is_whole);
  if (head->length > limits.head)
    return PARSE_TOO_LARGE;
  if (!is_whole)
    return PARSE_MORE;
  if (!parse_head(response))
    return PARSE_BAD;
  head->length = 0;
  return begin_body(response, limits);
}

enum parse_result response_take(struct response *response, const void *bytes, size_t length, struct request_limits limits, size_t *taken)
{
  struct request *message = &response->message;
  const char *at = bytes;

  *taken = 0;
  while (message->phase != REQUEST_DONE) {
    size_t here = 0;

    if (*taken == length)
      return PARSE_MORE;
    /* The limit is reached, and the body goes on. */
    if (response->ends_with_connection && message->left == 0)
      return PARSE_TOO_LARGE;
    enum parse_result result = message->phase == REQUEST_HEAD ? take_head(response, at + *taken, length - *taken, limits, &here)
                                                              : take_body(message, at + *taken, length - *taken, limits, &here);

    *taken += here;
    if (result != PARSE_MORE)
      return result;
    if (response->ends_with_connection)
      message->phase = REQUEST_BODY;
    if (message->head.is_short || message->headers.is_short || message->body.is_short)
      return PARSE_MORE;
  }
  return PARSE_DONE;
}

enum parse_result response_end(const struct response *response)
{
  return response->message.phase == REQUEST_DONE || response->ends_with_connection ? PARSE_DONE : PARSE_BAD;
}

bool response_is_short(const struct response *response)
{
  return response->message.head.is_short || response->message.headers.is_short || response->message.body.is_short;
}
