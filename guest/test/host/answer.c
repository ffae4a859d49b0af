/* Answers of functions as HTTP: status, headers, cookies, date. */
#include "../../http/date.h"
#include "../../http/http.h"

#include <string.h>
#include <time.h>
#include "check.h"

static const struct answer_form closing = {false, false};
/* Of RFC 9110. */
static uint64_t now_s = 784111777;

void buffer_no_memory(void) {}
uint64_t answer_seconds(void) { return now_s; }

/* The answer's text; empty when it cannot be sent. */
static const char *answer(int status, const char *headers) {
  static struct buffer out;
  out.length = 0;
  bool is_sent = answer_function(&out, closing, status, headers, strlen(headers), "x", 1);
  if (!is_sent && out.length > 0) return "something is left";
  buffer_add(&out, "", 1);
  return (const char *)out.data;
}

static int is(const char *got, const char *wanted) {
  if (strcmp(got, wanted) == 0) return 1;
  printf("got %s", got);
  return 0;
}

#define DATE "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define END "content-length: 1\r\nconnection: close\r\n\r\nx"

int main(void) {
  CHECK(is(answer(200, "{}"), "HTTP/1.1 200 OK\r\n" DATE END), "an answer has its date");
  CHECK(is(answer(200, "{\"Date\":\"once\"}"), "HTTP/1.1 200 OK\r\nDate: once\r\n" END), "or the one that the function gives");
  now_s = 0;
  CHECK(is(answer(204, "{}"), "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"), "without a clock it has none");
  CHECK(is(answer(200, "{\"set-cookie\":\"a=1; Path=/\\nb=2\",\"a\":\"c\"}"), "HTTP/1.1 200 OK\r\nset-cookie: a=1; Path=/\r\nset-cookie: b=2\r\na: c\r\n" END),
        "each cookie has a line");
  CHECK(is(answer(200, "{\"set-cookie\":\"\"}"), "HTTP/1.1 200 OK\r\nset-cookie: \r\n" END), "also an empty one");
  CHECK(is(answer(200, "{\"a\":\"b\\nc: d\"}"), ""), "another header has no line feed");
  CHECK(is(answer(200, "{\"set-cookie\":\"a\\r\\nb\"}"), ""), "a cookie no carriage return");
  CHECK(is(answer(200, "{\"a b\":\"c\"}"), "") && is(answer(200, "{\"a\\tb\":\"c\"}"), ""), "a name has no space");
  int wrong = 0;
  for (int status = 0; status < 1000; status++) wrong += !*answer(status, "{}") != (status < 200 || status > 599);
  CHECK(wrong == 0, "a status from 200 to 599 is one of an answer, no other is");
  for (uint64_t at = 0; at < 8000000000; at += 7654321) {
    struct buffer ours = {0};
    char theirs[64];
    time_t seconds = at;
    add_date(&ours, at);
    wrong += strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&seconds)) != ours.length || memcmp(theirs, ours.data, ours.length) != 0;
    buffer_free(&ours);
  }
  CHECK(wrong == 0, "dates of two hundred years are those of the C library");
  return 0;
}
