#include "../../rt/random.h"

#include <string.h>
#include "check.h"

int main(void) {
  /* RFC 8439, appendix A.1, test vectors 1 and 2: a zero key and nonce, counters 0 and 1. */
  static const uint8_t zero0[16] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90, 0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
  static const uint8_t zero1[16] = {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a, 0x98, 0xba, 0x97, 0x7c, 0x73, 0x2d, 0x08, 0x0d};
  uint32_t key[8] = {0};
  uint8_t block[64];
  chacha_block(key, 0, block);
  CHECK(memcmp(block, zero0, 16) == 0, "ChaCha20 block 0 of RFC 8439 A.1");
  chacha_block(key, 1, block);
  CHECK(memcmp(block, zero1, 16) == 0, "ChaCha20 block 1 of RFC 8439 A.1");

  uint8_t seed[32] = {1}, first[200], second[200];
  random_seed(seed);
  random_bytes(first, 200);
  random_bytes(second, 200);
  CHECK(memcmp(first, second, 200) != 0, "bytes do not repeat");
  random_seed(seed);
  random_bytes(second, 200);
  CHECK(memcmp(first, second, 200) != 0, "a seed given twice does not give the same bytes again");
  int ones = 0;
  for (int i = 0; i < 200; i++) ones += __builtin_popcount(first[i]);
  CHECK(ones > 700 && ones < 900, "half of the bits are set (%d of 1600)", ones);
  return failures != 0;
}
