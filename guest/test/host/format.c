#include "../../rt/format.h"

#include <string.h>
#include "check.h"

static char out[64];

static const char *format(const char *pattern, ...) {
  va_list args;
  va_start(args, pattern);
  format_text(out, sizeof out, pattern, args);
  va_end(args);
  return out;
}

#define IS(expected, ...) CHECK(strcmp(format(__VA_ARGS__), expected) == 0, "format gives %s, gave %s", expected, out)

int main(void) {
  IS("a 5 -5 x", "a %d %d %c", 5, -5, 'x');
  IS("0x00ff 4294967295", "0x%04x %u", 255, 4294967295u);
  IS("ffffffffffffffff 18446744073709551615", "%lx %lu", -1l, -1l);
  IS("-9223372036854775808", "%ld", (long)(1ul << 63));
  IS("[   ab] [   7] [0007] [-007] [  -7]", "[%5s] [%4d] [%04d] [%04d] [%4d]", "ab", 7, 7, -7, -7);
  IS("(null) 100%", "%s 100%%", (char *)0);
  IS("odd ", "odd %q", 1);
  IS("0", "%u", 0);
  char small[4];
  CHECK(format_words(small, sizeof small, "%s", "abcdef") == 3 && strcmp(small, "abc") == 0, "format cuts and ends with zero");
  CHECK(format_words(small, 0, "x") == 0, "format writes nothing into no room");
  return failures != 0;
}
