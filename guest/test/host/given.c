/* The addresses of a guest on its own, in Linux's form on its command line. */
#include "../../net/given.h"

#include <stdlib.h>
#include <string.h>
#include "check.h"

static struct given given;

static int read_given(const char *text) {
  /* Uses memory of exactly its size, so that the sanitizer reports a read of one byte too many. */
  size_t bytes = strlen(text);
  char *copy = malloc(bytes + 1);
  memcpy(copy, text, bytes);
  memset(&given, 0, sizeof given);
  int found = given_read(copy, bytes, &given);
  free(copy);
  return found;
}

static int is_refused(const char *text) { return read_given(text) == 0 && given.address == 0; }

static uint32_t dotted(uint32_t a, uint32_t b, uint32_t c, uint32_t d) { return a | b << 8 | c << 16 | d << 24; }

int main(void) {
  CHECK(read_given("panic=-1 console=ttyS0 ip=10.244.3.7::10.244.3.1:255.255.255.0:urunc:eth0:off A=b init=f -- firstlight.alone") &&
            given.address == dotted(10, 244, 3, 7) && given.gateway == dotted(10, 244, 3, 1) && given.netmask == dotted(255, 255, 255, 0),
        "urunc's command line is read");
  CHECK(read_given("ip=192.0.2.9:192.0.2.1:169.254.1.1:255.255.255.255") && given.gateway == dotted(169, 254, 1, 1) && given.netmask == 0xffffffff,
        "so is one with a server, a gateway outside its network, and nothing after it");
  CHECK(read_given("ip=192.0.2.9:::255.255.255.0 quiet") && given.gateway == 0, "a gateway may be left out");
  CHECK(read_given("ip=dhcp ip=192.0.2.9:::255.255.255.0"), "a protocol is passed over");
  CHECK(is_refused("") && is_refused("ip=") && is_refused("ip=dhcp") && is_refused("ip=10.0.0.1") && is_refused("ip=10.0.0.1::10.0.0.2") && is_refused("ip=10.0.0.1::10.0.0.2:"),
        "half of one is none");
  CHECK(is_refused("ip=10.0.0.256::10.0.0.1:255.0.0.0") && is_refused("ip=10.0.0::10.0.0.1:255.0.0.0") && is_refused("ip=10.0.0.1.2::10.0.0.1:255.0.0.0") &&
            is_refused("ip=0.0.0.0::10.0.0.1:255.0.0.0") && is_refused("ip=10.0.0.1::10.0.0.2:255.0.0.0x") && is_refused("ip=00000000010.0.0.1:::255.0.0.0") &&
            is_refused("zip=10.0.0.1::10.0.0.2:255.0.0.0"),
        "nor is one of no address, or of something else");
  CHECK(given_read("quiet\0 ip=10.0.0.1::10.0.0.2:255.0.0.0", 40, &given) == 0, "the text ends at its first zero");

  static const char alphabet[] = "0123456789.: =ip";
  uint64_t state = 88172645463325252ull;
  int sound = 1;
  for (int round = 0; round < 200000; round++) {
    char text[64] = "ip=10.0.0.1::";
    size_t length = round % 2 ? strlen(text) : 0;
    for (; length < 63; length++) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      text[length] = alphabet[state % (sizeof alphabet - 1)];
    }
    text[1 + state % 62] = 0;
    sound &= !read_given(text) || given.address != 0;
  }
  CHECK(sound, "no command line leads out of it");
  return failures != 0;
}
