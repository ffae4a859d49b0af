/* HTTP answers: those of functions, and a server's own. */
#define _GNU_SOURCE
#include "date.h"
#include "http.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *reason_of(int status)
{
  switch (status) {
  case 200: return "OK";
  case 201: return "Created";
  case 204: return "No Content";
  case 301: return "Moved Permanently";
  case 302: return "Found";
  case 304: return "Not Modified";
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 413: return "Content Too Large";
  case 429: return "Too Many Requests";
  case 500: return "Internal Server Error";
  case 502: return "Bad Gateway";
  case 503: return "Service Unavailable";
  case 504: return "Gateway Timeout";
  default: return "Answer";
  }
}

static void add_status(struct buffer *to, int status)
{
  buffer_text(to, "HTTP/1.1 ");
  buffer_number(to, (uint64_t)status);
  buffer_text(to, " ");
  buffer_text(to, reason_of(status));
  buffer_text(to, "\r\n");
}

/* The headers of the server's own, and the body. */
static void add_end(struct buffer *to, struct answer_form form, int status, bool has_date, const void *body, size_t length)
{
  bool has_body = status != 204 && status != 304;
  uint64_t seconds = has_date ? 0 : answer_seconds();

  if (seconds) {
    buffer_text(to, "date: ");
    add_date(to, seconds);
    buffer_text(to, "\r\n");
  }

  if (has_body) {
    buffer_text(to, "content-length: ");
    buffer_number(to, length);
    buffer_text(to, "\r\n");
  }
  buffer_text(to, form.is_kept ? "connection: keep-alive\r\n\r\n" : "connection: close\r\n\r\n");
  if (has_body && !form.is_head)
    buffer_add(to, body, length);
}

void answer_plain(struct buffer *to, struct answer_form form, int status, const char *type, const char *body, size_t length)
{
  add_status(to, status);
  buffer_text(to, "content-type: ");
  buffer_text(to, type);
  buffer_text(to, "\r\n");
  add_end(to, form, status, false, body, length);
}

/* The JSON string at `at`, decoded. Shape: null where there is none, else the position after it. */
static const char *read_string(const char *at, const char *end, struct buffer *text)
{
  if (at >= end || *at++ != '"')
    return NULL;
  for (; at < end && *at != '"'; at++) {
    unsigned code;

    if (*at != '\\') {
      buffer_add(text, at, 1);
      continue;
    }
    if (++at >= end)
      return NULL;
    if (*at == 'u') {
      if (end - at < 5)
        return NULL;
      code = 0;
      for (int i = 0; i < 4; i++) {
        char digit = *++at;

        if (!isxdigit((unsigned char)digit))
          return NULL;
        code = code * 16 + (unsigned)(isdigit((unsigned char)digit) ? digit - '0' : tolower(digit) - 'a' + 10);
      }
      /* A header's value is Latin-1 on the wire; other characters cannot be sent. */
      char byte = code < 256 ? (char)code : '?';

      buffer_add(text, &byte, 1);
      continue;
    }
    char byte = *at == 'n' ? '\n' : *at == 't' ? '\t' : *at == 'r' ? '\r' : *at;

    buffer_add(text, &byte, 1);
  }
  return at < end ? at + 1 : NULL;
}

/* True for text that a header may contain: no control characters, which would begin another header. */
static bool is_plain(const uint8_t *text, size_t length, bool is_name)
{
  if (is_name && length == 0)
    return false;
  for (size_t i = 0; i < length; i++) {
    uint8_t byte = text[i];

    if (byte == 0x7f || (byte < 0x20 && byte != '\t') || (is_name && (byte <= ' ' || byte == ':' || byte >= 0x80)))
      return false;
  }
  return true;
}

static bool is_called(const struct buffer *name, const char *wanted)
{
  return strlen(wanted) == name->length && strncasecmp(wanted, (const char *)name->data, name->length) == 0;
}

/* The server sets the headers that define the answer's transfer on this connection. */
static bool is_ours(const struct buffer *name)
{
  static const char *const ours[] = { "connection", "content-length", "transfer-encoding", "keep-alive", "upgrade" };

  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
    if (is_called(name, ours[i]))
      return true;
  return false;
}

/* Adds a header; several cookies, which a line feed separates, as a line each. False when it cannot be sent. */
static bool add_header(struct buffer *to, const struct buffer *name, const struct buffer *value)
{
  const uint8_t *at = value->data, *end = at + value->length;
  bool is_cookie = is_called(name, "set-cookie");

  if (!is_plain(name->data, name->length, true))
    return false;
  for (;;) {
    const uint8_t *line_end = is_cookie && at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;

    if (!line_end)
      line_end = end;
    if (!is_plain(at, (size_t)(line_end - at), false))
      return false;
    buffer_add(to, name->data, name->length);
    buffer_text(to, ": ");
    buffer_add(to, at, (size_t)(line_end - at));
    buffer_text(to, "\r\n");
    if (line_end == end)
      return true;
    at = line_end + 1;
  }
}

/* Adds the headers of a JSON object of strings. False when the text is not such an object. */
static bool add_headers(struct buffer *to, const char *at, const char *end, bool *has_date)
{
  struct buffer name = { 0 }, value = { 0 };
  bool is_whole = false;

  if (at < end && *at++ == '{') {
    while (at && at < end) {
      if (*at == '}') {
        is_whole = true;
        break;
      }
      if (*at == ',')
        at++;
      name.length = value.length = 0;
      at = read_string(at, end, &name);
      if (!at || at >= end || *at++ != ':')
        break;
      at = read_string(at, end, &value);
      if (!at)
        break;
      if (is_ours(&name))
        continue;
      if (!add_header(to, &name, &value))
        break;
      *has_date |= is_called(&name, "date");
    }
  }
  buffer_free(&name);
  buffer_free(&value);
  return is_whole;
}

bool answer_function(struct buffer *to, struct answer_form form, int status, const char *headers, size_t headers_bytes, const void *body, size_t length)
{
  size_t start = to->length;
  bool has_date = false;

  /* After a status below 200, a client waits for the final one. */
  if (status < 200 || status > 599)
    return false;
  add_status(to, status);
  if (!add_headers(to, headers, headers + headers_bytes, &has_date)) {
    to->length = start;
    return false;
  }
  add_end(to, form, status, has_date, body, length);
  return true;
}

void answer_failure(struct buffer *to, struct answer_form form, int status, const char *name, size_t name_bytes, const char *message, size_t length)
{
  struct buffer json = { 0 };

  buffer_text(&json, "{\"error\":");
  buffer_json(&json, message, length);
  if (name_bytes) {
    buffer_text(&json, ",\"name\":");
    buffer_json(&json, name, name_bytes);
  }
  buffer_text(&json, "}");
  answer_plain(to, form, status, "application/json", (const char *)json.data, json.length);
  buffer_free(&json);
}
