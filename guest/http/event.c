/* The event of a request, in the same form as in core/runtimes/nanos/guest/serve-http.ts. */
#define _GNU_SOURCE
#include "message.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int hex_digit(char digit)
{
  return isdigit((unsigned char)digit) ? digit - '0' : isxdigit((unsigned char)digit) ? tolower(digit) - 'a' + 10 : -1;
}

/* One name or value of a query, decoded, as JSON. */
static void add_decoded(struct buffer *json, const char *text, size_t length)
{
  struct buffer plain = { 0 };

  for (size_t i = 0; i < length; i++) {
    char byte = text[i] == '+' ? ' ' : text[i];

    if (byte == '%' && i + 2 < length && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      byte = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    }
    buffer_add(&plain, &byte, 1);
  }
  buffer_json(json, (const char *)plain.data, plain.length);
  buffer_free(&plain);
}

static void add_query(struct buffer *json, const char *query)
{
  bool is_first = true;

  buffer_text(json, "{");
  while (query && *query) {
    size_t length = strcspn(query, "&");
    const char *equals = memchr(query, '=', length);
    size_t name = equals ? (size_t)(equals - query) : length;

    if (length > 0) {
      if (!is_first)
        buffer_text(json, ",");
      is_first = false;
      add_decoded(json, query, name);
      buffer_text(json, ":");
      add_decoded(json, query + name + (equals ? 1 : 0), length - name - (equals ? 1 : 0));
    }
    query += length + (query[length] == '&');
  }
  buffer_text(json, "}");
}

/* Headers of which there can be only one: Node.js drops all but the first, too. */
static bool is_single(const char *name)
{
  static const char *const single[] = { "age", "authorization", "content-length", "content-type", "etag", "expires", "from",
    "host", "if-modified-since", "if-unmodified-since", "last-modified", "location", "max-forwards", "proxy-authorization",
    "referer", "retry-after", "server", "user-agent" };

  for (size_t i = 0; i < sizeof single / sizeof *single; i++)
    if (strcmp(single[i], name) == 0)
      return true;
  return false;
}

/* The headers as in `IncomingMessage.headers` of Node.js: each name once, where it first stands, with all of its values. */
static void add_joined_headers(struct buffer *json, const struct request *request)
{
  const char *at = (const char *)request->headers.data;
  const char *end = at + request->headers.length;
  bool is_first = true;
  struct buffer all = { 0 };

  buffer_text(json, "{");
  while (at < end) {
    const char *name = at, *value = at + strlen(at) + 1, *more = value;

    at = value + strlen(value) + 1;
    if (next_header(request, name, NULL) != value)
      continue;
    all.length = 0;
    buffer_text(&all, value);
    while (!is_single(name) && (more = next_header(request, name, more))) {
      buffer_text(&all, strcmp(name, "cookie") == 0 ? "; " : ", ");
      buffer_text(&all, more);
    }
    if (!is_first)
      buffer_text(json, ",");
    is_first = false;
    buffer_json(json, name, strlen(name));
    buffer_text(json, ":");
    buffer_json(json, (const char *)all.data, all.length);
  }
  buffer_text(json, "}");
  json->is_short |= all.is_short;
  buffer_free(&all);
}

/* True when the whole of a text is one JSON value, so that the event can contain it unchanged. */
static bool skip_value(const char **at, const char *end, int depth);

static void skip_space(const char **at, const char *end)
{
  while (*at < end && strchr(" \t\r\n", **at) && **at)
    (*at)++;
}

static bool skip_string(const char **at, const char *end)
{
  if (*at >= end || **at != '"')
    return false;
  for ((*at)++; *at < end && **at != '"'; (*at)++) {
    if ((unsigned char)**at < 0x20)
      return false;
    if (**at != '\\')
      continue;
    (*at)++;
    if (*at >= end || !strchr("\"\\/bfnrtu", **at) || !**at)
      return false;
    if (**at == 'u') {
      if (end - *at < 5)
        return false;
      for (int i = 1; i <= 4; i++)
        if (hex_digit((*at)[i]) < 0)
          return false;
      *at += 4;
    }
  }
  if (*at >= end)
    return false;
  (*at)++;
  return true;
}

static bool skip_number(const char **at, const char *end)
{
  const char *start = *at;

  if (*at < end && **at == '-')
    (*at)++;
  const char *digits = *at;

  while (*at < end && isdigit((unsigned char)**at))
    (*at)++;
  if (*at == digits || (*digits == '0' && *at - digits > 1))
    return false;
  if (*at < end && **at == '.') {
    const char *fraction = ++*at;

    while (*at < end && isdigit((unsigned char)**at))
      (*at)++;
    if (*at == fraction)
      return false;
  }
  if (*at < end && (**at == 'e' || **at == 'E')) {
    (*at)++;
    if (*at < end && (**at == '+' || **at == '-'))
      (*at)++;
    const char *exponent = *at;

    while (*at < end && isdigit((unsigned char)**at))
      (*at)++;
    if (*at == exponent)
      return false;
  }
  return *at > start;
}

static bool skip_members(const char **at, const char *end, int depth, char close)
{
  (*at)++;
  skip_space(at, end);
  if (*at < end && **at == close)
    return (*at)++, true;
  while (*at < end) {
    if (close == '}') {
      if (!skip_string(at, end))
        return false;
      skip_space(at, end);
      if (*at >= end || *(*at)++ != ':')
        return false;
    }
    if (!skip_value(at, end, depth + 1))
      return false;
    skip_space(at, end);
    if (*at >= end)
      return false;
    char next = *(*at)++;

    if (next == close)
      return true;
    if (next != ',')
      return false;
    skip_space(at, end);
  }
  return false;
}

static bool skip_value(const char **at, const char *end, int depth)
{
  static const char *const words[] = { "true", "false", "null" };

  skip_space(at, end);
  if (*at >= end || depth > 500)
    return false;
  if (**at == '{' || **at == '[')
    return skip_members(at, end, depth, **at == '{' ? '}' : ']');
  if (**at == '"')
    return skip_string(at, end);
  for (size_t i = 0; i < 3; i++) {
    size_t length = strlen(words[i]);

    if ((size_t)(end - *at) >= length && memcmp(*at, words[i], length) == 0)
      return *at += length, true;
  }
  return skip_number(at, end);
}

static bool is_json(const struct buffer *text)
{
  const char *at = (const char *)text->data;
  const char *end = at + text->length;

  if (!skip_value(&at, end, 0))
    return false;
  skip_space(&at, end);
  return at == end;
}

void request_to_event(const struct request *request, struct buffer *json)
{
  const char *query = strchr(request->target, '?');
  const char *type = request_header(request, "content-type");

  buffer_text(json, "{\"method\":");
  buffer_json(json, request->method, strlen(request->method));
  buffer_text(json, ",\"path\":");
  buffer_json(json, request->target, query ? (size_t)(query - request->target) : strlen(request->target));
  buffer_text(json, ",\"query\":");
  add_query(json, query ? query + 1 : NULL);
  buffer_text(json, ",\"headers\":");
  add_joined_headers(json, request);
  buffer_text(json, ",\"body\":");
  if (request->body.length == 0)
    buffer_text(json, "null");
  else if (type && strcasestr(type, "json") && is_json(&request->body))
    buffer_add(json, request->body.data, request->body.length);
  else
    buffer_json(json, (const char *)request->body.data, request->body.length);
  buffer_text(json, "}");
}
