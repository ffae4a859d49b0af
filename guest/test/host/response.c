/* Responses of other servers, whole ones and wrong ones, in one piece, byte by byte and with flipped bits. */
#include "../../http/http.h"

#include <stdlib.h>
#include <string.h>
#include "check.h"

static const struct request_limits limits = {.head = 2048, .body = 4096};

void buffer_no_memory(void) {}

/* Lets a response take bytes in pieces of this size, each in a block of its own, so that reading past it is seen. */
static enum parse_result take(struct response *response, const char *bytes, size_t length, size_t piece) {
  enum parse_result result = PARSE_MORE;
  for (size_t at = 0; at < length && result == PARSE_MORE;) {
    size_t taken, here = length - at < piece ? length - at : piece;
    char *copy = malloc(here);
    memcpy(copy, bytes + at, here);
    result = response_take(response, copy, here, limits, &taken);
    free(copy);
    at += taken;
  }
  return result;
}

struct expected {
  const char *bytes;
  enum parse_result result;
  int status;
  const char *body;
  bool is_head;
  bool ends;	/* and then the connection */
};

static const struct expected all[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd", PARSE_DONE, 200, "abc", false, false},
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", PARSE_DONE, 200, "", false, false},
    {"HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n", PARSE_DONE, 204, "", false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", PARSE_DONE, 200, "", true, false},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 201 C\r\ncontent-length: 1\r\n\r\nx", PARSE_DONE, 201, "x", false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: r\r\n\r\n", PARSE_DONE, 200, "abc", false, false},
    {"HTTP/1.0 200 OK\r\n\r\nto the end", PARSE_DONE, 200, "to the end", false, true},
    {"HTTP/1.0 200 OK\r\n\r\n", PARSE_DONE, 200, "", false, true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", PARSE_BAD, 200, "ab", false, true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", PARSE_BAD, 200, "abc", false, true},
    {"", PARSE_BAD, 0, "", false, true},
    {"HTTP/1.1 101 Switching\r\n\r\n", PARSE_BAD, 101, "", false, false},
    {"HTTP/1.1 99 Low\r\n\r\n", PARSE_BAD, 0, "", false, false},
    {"HTTP/1.1 099 Low\r\n\r\n", PARSE_BAD, 99, "", false, false},
    {"HTTP/1.1 600 High\r\n\r\n", PARSE_BAD, 600, "", false, false},
    {"HTTP/1.1 2000 Long\r\n\r\n", PARSE_BAD, 0, "", false, false},
    {"HTTP/2 200 OK\r\n\r\n", PARSE_BAD, 0, "", false, false},
    {"\r\n\r\n", PARSE_BAD, 0, "", false, false},
    {"HTTP/1.1 200 OK\r\n : a\r\n\r\n", PARSE_BAD, 200, "", false, false},
    {"HTTP/1.1 200 OK\r\nnothing\r\n\r\n", PARSE_BAD, 200, "", false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", PARSE_BAD, 200, "", false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na", PARSE_BAD, 200, "", false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\na", PARSE_BAD, 200, "", false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\na", PARSE_BAD, 200, "", false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\na", PARSE_BAD, 200, "", false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\na", PARSE_TOO_LARGE, 200, "", false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", PARSE_TOO_LARGE, 200, "", false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", PARSE_BAD, 200, "a", false, false},
};

static void test_expected(size_t piece, const char *what) {
  int wrong = 0;
  for (const struct expected *e = all; e < all + sizeof all / sizeof all[0]; e++) {
    struct response response = {.is_head = e->is_head};
    enum parse_result result = take(&response, e->bytes, strlen(e->bytes), piece);
    if (e->ends) result = result == PARSE_MORE ? response_end(&response) : PARSE_TOO_LARGE;
    const struct buffer *body = &response.message.body;
    if (result == e->result && response.status == e->status && body->length == strlen(e->body) && memcmp(body->data ? (char *)body->data : "", e->body, body->length) == 0) {
      response_free(&response);
      continue;
    }
    printf("%s: result %d, status %d, %zu bytes of body\n", e->bytes, result, response.status, body->length);
    response_free(&response);
    wrong++;
  }
  CHECK(wrong == 0, "%s", what);
}

/* What goes on for ever ends at a limit. */
static void test_endless(void) {
  static const struct {
    const char *what, *begin, *more;
    enum parse_result result;
  } endless[] = {
      {"headers without an end are too large", "HTTP/1.1 200 OK\r\n", "A: b\r\n", PARSE_TOO_LARGE},
      {"a body without an end is too large", "HTTP/1.1 200 OK\r\n\r\n", "more", PARSE_TOO_LARGE},
      {"chunks without an end are too large", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", PARSE_TOO_LARGE},
      {"a chunk's size without an end is none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1", ";aaaa", PARSE_BAD},
      {"responses before the response have an end", "", "HTTP/1.1 100 Continue\r\n\r\n", PARSE_BAD},
  };
  for (size_t i = 0; i < sizeof endless / sizeof endless[0]; i++) {
    struct response response = {0};
    enum parse_result result = take(&response, endless[i].begin, strlen(endless[i].begin), 9);
    for (int turn = 0; turn < 100000 && result == PARSE_MORE; turn++) result = take(&response, endless[i].more, strlen(endless[i].more), 9);
    CHECK(result == endless[i].result, "%s", endless[i].what);
    response_free(&response);
  }
}

/* Whatever comes, nothing is read or written out of bounds, and nothing is larger than its limit. */
static void test_fuzz(void) {
  char bytes[512];
  int done = 0, too_much = 0;
  for (int i = 0; i < 400000; i++) {
    const struct expected *e = &all[rand() % (sizeof all / sizeof all[0])];
    size_t length = strlen(e->bytes);
    if (length == 0) continue;
    memcpy(bytes, e->bytes, length);
    for (int flips = rand() % 4; flips > 0; flips--) bytes[rand() % length] ^= 1 << rand() % 8;
    if (rand() % 4 == 0) {
      size_t from = rand() % length, to = rand() % length, count = rand() % (length - (from > to ? from : to));
      memmove(bytes + to, bytes + from, count);
    }
    struct response response = {.is_head = rand() % 8 == 0};
    size_t piece = 1 + rand() % 40;
    enum parse_result result = take(&response, bytes, length, piece);
    if (result == PARSE_MORE) result = response_end(&response);
    done += result == PARSE_DONE;
    too_much += response.message.body.length > limits.body || response.message.headers.length > 2 * limits.head;
    if (result == PARSE_DONE && (response.status < 200 || response.status > 599)) too_much++;
    response_free(&response);
  }
  CHECK(done > 1000 && too_much == 0, "400,000 responses with flipped bits do no harm");
}

int main(void) {
  srand(9);
  test_expected(1000, "responses are read as the standard says");
  test_expected(1, "so they are when they come byte by byte");
  test_expected(7, "and in pieces");
  test_endless();
  test_fuzz();
  return 0;
}
