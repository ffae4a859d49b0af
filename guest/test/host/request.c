/* Requests, right ones and wrong ones, in one piece, byte by byte and with flipped bits. Source: RFC 9112. */
#include "../../http/http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"

static const struct request_limits limits = {.head = 2048, .body = 4096};

void buffer_no_memory(void) {}

/* Lets a request take bytes in pieces of this size, each in a block of its own, so that reading past it is seen. */
static enum parse_result take(struct request *request, const char *bytes, size_t length, size_t piece) {
  enum parse_result result = PARSE_MORE;
  for (size_t at = 0; at < length && result == PARSE_MORE;) {
    size_t taken, here = length - at < piece ? length - at : piece;
    char *copy = malloc(here);
    memcpy(copy, bytes + at, here);
    result = request_take(request, copy, here, limits, &taken);
    free(copy);
    at += taken;
  }
  return result;
}

#define HOST "Host: a\r\n"
#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

struct expected {
  const char *what, *bytes;
  enum parse_result result;
};

static const struct expected all[] = {
    {"a plain one", "GET / HTTP/1.1\r\n" HOST "\r\n", PARSE_DONE},
    {"a port", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", PARSE_DONE},
    {"a Host without a name", "GET / HTTP/1.1\r\nHost:\r\n\r\n", PARSE_DONE},
    {"a target with other bytes than ASCII's", "GET /\xc3\xa9?q=\xff HTTP/1.1\r\n" HOST "\r\n", PARSE_DONE},
    {"a method nobody knows", "M-SEARCH * HTTP/1.1\r\n" HOST "\r\n", PARSE_DONE},
    {"a value with tabs and other bytes than ASCII's", "GET / HTTP/1.1\r\n" HOST "A:\tb\tc \xe9 \t\r\nB:\r\n\r\n", PARSE_DONE},
    {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", PARSE_DONE},
    {"HTTP/1.0 with Host", "POST / HTTP/1.0\r\n" HOST "Content-Length: 1\r\n\r\na", PARSE_DONE},
    {"chunks", CHUNKED "2;a=\"b\"\r\nab\r\n0\r\nT: r\r\n\r\n", PARSE_DONE},

    {"no Host", "GET / HTTP/1.1\r\n\r\n", PARSE_BAD},
    {"two of the same Host", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", PARSE_BAD},
    {"two Hosts", "GET / HTTP/1.1\r\n" HOST "A: b\r\nhost: b\r\n\r\n", PARSE_BAD},
    {"two Hosts on HTTP/1.0", "GET / HTTP/1.0\r\n" HOST HOST "\r\n", PARSE_BAD},
    {"a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", PARSE_BAD},
    {"a Host of two", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", PARSE_BAD},
    {"a Host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", PARSE_BAD},
    {"a line feed in a value", "GET / HTTP/1.1\r\n" HOST "A: b\nC: d\r\n\r\n", PARSE_BAD},
    {"a carriage return in a value", "GET / HTTP/1.1\r\n" HOST "A: b\rC: d\r\n\r\n", PARSE_BAD},
    {"a control character in a value", "GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n", PARSE_BAD},
    {"DEL in a value", "GET / HTTP/1.1\r\n" HOST "A: b\x7f\r\n\r\n", PARSE_BAD},
    {"a folded value", "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", PARSE_BAD},
    {"a space before the colon", "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", PARSE_BAD},
    {"a name with brackets", "GET / HTTP/1.1\r\n" HOST "A(b): c\r\n\r\n", PARSE_BAD},
    {"a name with other bytes than ASCII's", "GET / HTTP/1.1\r\n" HOST "\xc3\xa9: c\r\n\r\n", PARSE_BAD},
    {"a name with DEL", "GET / HTTP/1.1\r\n" HOST "A\x7f: c\r\n\r\n", PARSE_BAD},
    {"no name", "GET / HTTP/1.1\r\n" HOST ": c\r\n\r\n", PARSE_BAD},
    {"a header without a colon", "GET / HTTP/1.1\r\n" HOST "A\r\n\r\n", PARSE_BAD},
    {"chunks on HTTP/1.0", "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", PARSE_BAD},
    {"a method that is no token", "G@T / HTTP/1.1\r\n" HOST "\r\n", PARSE_BAD},
    {"a method with a tab", "GET\t/ HTTP/1.1 HTTP/1.1\r\n" HOST "\r\n", PARSE_BAD},
    {"a method with a line feed", "A\nGET / HTTP/1.1\r\n" HOST "\r\n", PARSE_BAD},
    {"no method", " / HTTP/1.1\r\n" HOST "\r\n", PARSE_BAD},
    {"HTTP/1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", PARSE_BAD},
    {"HTTP/1.a", "GET / HTTP/1.a\r\n" HOST "\r\n", PARSE_BAD},
    {"HTTP/2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", PARSE_BAD},
    {"http/1.1", "GET / http/1.1\r\n" HOST "\r\n", PARSE_BAD},
    {"a version with more behind it", "GET / HTTP/1.1 \r\n" HOST "\r\n", PARSE_BAD},
    {"no version", "GET /\r\n" HOST "\r\n", PARSE_BAD},
    {"a control character in the target", "GET /\x01 HTTP/1.1\r\n" HOST "\r\n", PARSE_BAD},
    {"a tab in the target", "GET /\ta HTTP/1.1\r\n" HOST "\r\n", PARSE_BAD},
    {"a line feed in the target", "GET /\nA: HTTP/1.1\r\n" HOST "\r\n", PARSE_BAD},
    {"a carriage return in the target", "GET /\ra HTTP/1.1\r\n" HOST "\r\n", PARSE_BAD},
    {"DEL in the target", "GET /\x7f HTTP/1.1\r\n" HOST "\r\n", PARSE_BAD},
    {"a space in the target", "GET /a b HTTP/1.1\r\n" HOST "\r\n", PARSE_BAD},
    {"no target", "GET  HTTP/1.1\r\n" HOST "\r\n", PARSE_BAD},
    {"two lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", PARSE_BAD},
    {"a list of lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\na", PARSE_BAD},
    {"a length with a sign", "POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\na", PARSE_BAD},
    {"a length and chunks", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", PARSE_BAD},
    {"another encoding", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", PARSE_BAD},
    {"a line feed beside a chunk's size", CHUNKED "2;a\nab\r\nab\r\n0\r\n\r\n", PARSE_BAD},
    {"a carriage return beside a chunk's size", CHUNKED "2\rab\r\nab\r\n0\r\n\r\n", PARSE_BAD},
    {"a line feed in a trailer", CHUNKED "0\r\nA: b\nC: d\r\n\r\n", PARSE_BAD},
};

static void test_expected(size_t piece, const char *what) {
  int wrong = 0;
  for (const struct expected *e = all; e < all + sizeof all / sizeof all[0]; e++) {
    struct request request = {0};
    enum parse_result result = take(&request, e->bytes, strlen(e->bytes), piece);
    if (result != e->result) wrong++, printf("%s: result %d\n", e->what, result);
    request_free(&request);
  }
  CHECK(wrong == 0, "%s", what);
}

static void test_many_headers(void) {
  static const struct request_limits wide = {.head = 65536, .body = 0};
  for (int count = 999; count <= 1000; count++) {
    struct buffer bytes = {0};
    struct request request = {0};
    size_t taken;
    buffer_text(&bytes, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < count; i++) buffer_text(&bytes, "a:\r\n");
    buffer_text(&bytes, "\r\n");
    enum parse_result result = request_take(&request, bytes.data, bytes.length, wide, &taken);
    CHECK(result == (count == 999 ? PARSE_DONE : PARSE_BAD), "%d headers are %s", count + 1, count == 999 ? "read" : "too many");
    request_free(&request);
    buffer_free(&bytes);
  }
}

/* Whatever comes, nothing is read or written out of bounds, and no text that is taken has a control character. */
static void test_fuzz(void) {
  char bytes[512];
  int done = 0, wrong = 0;
  for (int i = 0; i < 200000; i++) {
    const struct expected *e = &all[rand() % (sizeof all / sizeof all[0])];
    size_t length = strlen(e->bytes);
    memcpy(bytes, e->bytes, length);
    for (int flips = rand() % 4; flips > 0; flips--) bytes[rand() % length] ^= 1 << rand() % 8;
    struct request request = {0};
    if (take(&request, bytes, length, 1 + rand() % 40) == PARSE_DONE) {
      done++;
      for (const char *at = request.target; *at; at++) wrong += iscntrl((unsigned char)*at) != 0;
      for (size_t at = 0; at < request.headers.length; at++) wrong += request.headers.data[at] && request.headers.data[at] != '\t' && iscntrl(request.headers.data[at]);
    }
    wrong += request.body.length > limits.body;
    request_free(&request);
  }
  CHECK(done > 1000 && wrong == 0, "200,000 requests with flipped bits do no harm");
}

int main(void) {
  srand(9);
  test_expected(1000, "requests are taken and refused as the standard says");
  test_expected(1, "so they are when they come byte by byte");
  test_expected(7, "and in pieces");
  test_many_headers();
  test_fuzz();
  return 0;
}
