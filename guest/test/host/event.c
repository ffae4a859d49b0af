/* Prints the event of the request on standard input; without one, a line that says how it was refused. */
#include "../../http/http.h"

#include <stdio.h>

static const struct request_limits limits = {.head = 16384, .body = 1 << 20};

void buffer_no_memory(void) {}

int main(void) {
  static char bytes[65536];
  static const char *const results[] = {"more", "done", "bad", "too large"};
  size_t taken, length = fread(bytes, 1, sizeof bytes, stdin);
  struct request request = {0};
  struct buffer json = {0};
  enum parse_result result = request_take(&request, bytes, length, limits, &taken);
  if (result == PARSE_DONE) {
    request_to_event(&request, &json);
    fwrite(json.data, 1, json.length, stdout);
  } else {
    puts(results[result]);
  }
  buffer_free(&json);
  request_free(&request);
  return 0;
}
