/* HTTP/1.1 requests. Source: RFC 9112. */
#define _GNU_SOURCE
#include "message.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A line between chunks: a size with extensions, or a trailer. */
#define MOST_LINE_BYTES 4096
/* Each header is compared with all others when they become an event. */
#define MOST_HEADERS 1000

void request_free(struct request *request)
{
  free(request->target);
  buffer_free(&request->head);
  buffer_free(&request->headers);
  buffer_free(&request->body);
  memset(request, 0, sizeof *request);
}

const char *next_header(const struct request *request, const char *name, const char *from)
{
  const char *at = from ? from + strlen(from) + 1 : (const char *)request->headers.data;
  const char *end = (const char *)request->headers.data + request->headers.length;

  while (at < end) {
    const char *value = at + strlen(at) + 1;

    if (strcmp(at, name) == 0)
      return value;
    at = value + strlen(value) + 1;
  }
  return NULL;
}

const char *request_header(const struct request *request, const char *name)
{
  return next_header(request, name, NULL);
}

/* A method or a header's name. */
static bool is_token(const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (!isalnum((unsigned char)text[i]) && !memchr("!#$%&'*+-.^_`|~", text[i], 15))
      return false;
  return length > 0;
}

/* True where no byte is a control character: a bare carriage return or line feed is the end of a line to other servers. */
static bool is_plain(const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
      return false;
  return true;
}

/* Reads one header line. False when the line is not a header. */
static bool add_header(struct request *request, const char *line, size_t length)
{
  const char *colon = memchr(line, ':', length);

  if (!colon || !is_token(line, (size_t)(colon - line)) || !is_plain(colon, (size_t)(line + length - colon)))
    return false;
  for (const char *at = line; at < colon; at++) {
    char lower = (char)tolower((unsigned char)*at);

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

bool add_headers(struct request *to, const char *lines, const char *end)
{
  int count = 0;

  for (const char *at = lines; at < end;) {
    const char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);

    if (!line_end || line_end == at)
      break;
    if (++count > MOST_HEADERS || !add_header(to, at, (size_t)(line_end - at)))
      return false;
    at = line_end + 2;
  }
  return true;
}

/* RFC 9112, section 3.2: one Host, which HTTP/1.0 may leave out. */
static bool has_right_host(const struct request *request, bool is_old)
{
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%!$&'()*+,;=:[]";
  const char *host = request_header(request, "host");

  if (!host)
    return is_old;
  return host[strspn(host, allowed)] == 0 && !next_header(request, "host", host);
}

static bool parse_head(const char *head, size_t length, struct request *request)
{
  const char *line_end = memmem(head, length, "\r\n", 2);
  const char *space = memchr(head, ' ', (size_t)(line_end - head));
  const char *second = space ? memchr(space + 1, ' ', (size_t)(line_end - space - 1)) : NULL;
  bool is_old;

  if (!second || (size_t)(space - head) >= sizeof request->method || !is_token(head, (size_t)(space - head)))
    return false;
  if (second == space + 1 || !is_plain(space, (size_t)(second - space)) || memchr(space, '\t', (size_t)(second - space)))
    return false;
  if ((size_t)(line_end - second) != 9 || memcmp(second, " HTTP/1.", 8) != 0 || (second[8] != '0' && second[8] != '1'))
    return false;
  request->is_last = is_old = second[8] == '0';
  memcpy(request->method, head, (size_t)(space - head));
  request->target = strndup(space + 1, (size_t)(second - space - 1));
  if (!add_headers(request, line_end + 2, head + length) || !has_right_host(request, is_old))
    return false;
  /* HTTP/1.0 has no chunks: a server before this one may have read the body otherwise. */
  return !is_old || !request_header(request, "transfer-encoding");
}

bool parse_length(const char *text, size_t *length)
{
  if (!*text)
    return false;
  for (*length = 0; *text; text++) {
    if (!isdigit((unsigned char)*text) || *length > ((size_t)-1 - 9) / 10)
      return false;
    *length = *length * 10 + (size_t)(*text - '0');
  }
  return true;
}

/* Whether the list of a header has this word. */
static bool has_word(const char *list, const char *word)
{
  size_t length = strlen(word);

  while (list && *list) {
    list += strspn(list, " \t,");
    size_t here = strcspn(list, " \t,");

    if (here == length && strncasecmp(list, word, length) == 0)
      return true;
    list += here;
  }
  return false;
}

/* Decides how the body comes. */
static enum parse_result begin_body(struct request *request, struct request_limits limits)
{
  const char *length_text = request_header(request, "content-length");
  const char *encoding = request_header(request, "transfer-encoding");
  const char *expects = request_header(request, "expect");
  const char *connection = request_header(request, "connection");

  request->expects_continue = expects && strcasecmp(expects, "100-continue") == 0;
  request->is_last = request->is_last ? !has_word(connection, "keep-alive") : has_word(connection, "close");
  /* Two ways to tell the body's end, and the next server might choose the other one. */
  if (length_text && (encoding || next_header(request, "content-length", length_text)))
    return PARSE_BAD;
  if (encoding && (strcasecmp(encoding, "chunked") != 0 || next_header(request, "transfer-encoding", encoding)))
    return PARSE_BAD;
  request->phase = encoding ? REQUEST_CHUNK_SIZE : length_text ? REQUEST_BODY : REQUEST_DONE;
  if (!length_text)
    return PARSE_MORE;
  if (!parse_length(length_text, &request->left))
    return PARSE_BAD;
  if (request->left > limits.body)
    return PARSE_TOO_LARGE;
  return PARSE_MORE;
}

size_t take_until(struct buffer *to, const char *bytes, size_t length, const char *end, bool *is_whole)
{
  size_t marker = strlen(end), before = to->length, from = before < marker - 1 ? 0 : before - (marker - 1);

  buffer_add(to, bytes, length);
  if (to->is_short)
    return length;
  const uint8_t *found = memmem(to->data + from, to->length - from, end, marker);

  *is_whole = found != NULL;
  if (!found)
    return length;
  to->length = (size_t)(found - to->data) + marker;
  return to->length - before;
}

static enum parse_result begin_chunk(struct request *request, struct request_limits limits)
{
  const char *line = (const char *)request->head.data;
  size_t size = 0, digits = 0;

  for (; isxdigit((unsigned char)line[digits]); digits++) {
    if (digits == 8)
      return PARSE_TOO_LARGE;
    size = size * 16 + (size_t)(isdigit((unsigned char)line[digits]) ? line[digits] - '0' : tolower(line[digits]) - 'a' + 10);
  }
  if (digits == 0 || (line[digits] != '\r' && line[digits] != ';' && line[digits] != ' '))
    return PARSE_BAD;
  if (size > limits.body || request->body.length + size > limits.body)
    return PARSE_TOO_LARGE;
  request->left = size;
  request->phase = size == 0 ? REQUEST_TRAILER : REQUEST_CHUNK;
  request->head.length = 0;
  return PARSE_MORE;
}

static enum parse_result take_head(struct request *request, const char *bytes, size_t length, struct request_limits limits, size_t *taken)
{
  bool is_whole = false;

  *taken = take_until(&request->head, bytes, length, "\r\n\r\n", &is_whole);
  if (request->head.length > limits.head)
    return PARSE_TOO_LARGE;
  if (!is_whole)
    return PARSE_MORE;
  if (!parse_head((const char *)request->head.data, request->head.length - 2, request))
    return PARSE_BAD;
  request->head.length = 0;
  return begin_body(request, limits);
}

enum parse_result take_body(struct request *request, const char *bytes, size_t length, struct request_limits limits, size_t *taken)
{
  bool is_whole = false;
  size_t most;

  switch (request->phase) {
  case REQUEST_CHUNK_SIZE:
  case REQUEST_TRAILER:
  case REQUEST_CHUNK_END:
    *taken = take_until(&request->head, bytes, length, "\r\n", &is_whole);
    if (request->head.length > MOST_LINE_BYTES)
      return PARSE_BAD;
    if (!is_whole)
      return PARSE_MORE;
    if (!is_plain((const char *)request->head.data, request->head.length - 2))
      return PARSE_BAD;
    if (request->phase == REQUEST_CHUNK_SIZE)
      return begin_chunk(request, limits);
    if (request->phase == REQUEST_CHUNK_END) {
      if (request->head.length != 2)
        return PARSE_BAD;
      request->phase = REQUEST_CHUNK_SIZE;
    } else if (request->head.length == 2) {
      request->phase = REQUEST_DONE;
    }
    request->head.length = 0;
    return PARSE_MORE;
  default:
    most = length < request->left ? length : request->left;
    buffer_add(&request->body, bytes, most);
    request->left -= *taken = most;
    if (request->left == 0)
      request->phase = request->phase == REQUEST_BODY ? REQUEST_DONE : REQUEST_CHUNK_END;
    return PARSE_MORE;
  }
}

enum parse_result request_take(struct request *request, const void *bytes, size_t length, struct request_limits limits, size_t *taken)
{
  const char *at = bytes;

  *taken = 0;
  while (request->phase != REQUEST_DONE) {
    size_t here = 0;

    if (*taken == length && !(request->phase == REQUEST_BODY && request->left == 0))
      return PARSE_MORE;
    enum parse_result result =
        (request->phase == REQUEST_HEAD ? take_head : take_body)(request, at + *taken, length - *taken, limits, &here);

    *taken += here;
    if (result != PARSE_MORE)
      return result;
  }
  return PARSE_DONE;
}
