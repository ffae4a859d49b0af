#include "random.h"

#include "../boot/marks.h"
#include "memory.h"

static uint32_t key[8];
static uint64_t counter;
static uint8_t block[64];
static unsigned used = sizeof block;
/* 1 while a seed has not been mixed into the key: most invocations ask for no random bytes. */
static int is_seed_fresh;

static uint32_t rotate(uint32_t x, int by) { return x << by | x >> (32 - by); }

#define QUARTER(a, b, c, d)                   \
  a += b, d = rotate(d ^ a, 16), c += d,      \
      b = rotate(b ^ c, 12), a += b,          \
      d = rotate(d ^ a, 8), c += d, b = rotate(b ^ c, 7)

void chacha_block(const uint32_t k[8], uint64_t count, uint8_t out[64]) {
  uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, k[0], k[1], k[2], k[3],
                        k[4],       k[5],       k[6],       k[7],       count, count >> 32, 0, 0};
  uint32_t x[16];
  memcpy(x, start, sizeof x);
  for (int i = 0; i < 10; i++) {
    QUARTER(x[0], x[4], x[8], x[12]);
    QUARTER(x[1], x[5], x[9], x[13]);
    QUARTER(x[2], x[6], x[10], x[14]);
    QUARTER(x[3], x[7], x[11], x[15]);
    QUARTER(x[0], x[5], x[10], x[15]);
    QUARTER(x[1], x[6], x[11], x[12]);
    QUARTER(x[2], x[7], x[8], x[13]);
    QUARTER(x[3], x[4], x[9], x[14]);
  }
  for (int i = 0; i < 16; i++) x[i] += start[i];
  memcpy(out, x, sizeof x);
}

static void mix_seed(void) {
  if (!is_seed_fresh) return;
  chacha_block(key, counter++, block);
  memcpy(key, block, sizeof key);
  is_seed_fresh = 0;
}

void random_seed(const uint8_t seed[32]) {
  /* Two seeds that are only XORed could cancel each other. */
  mix_seed();
  uint32_t word;
  for (int i = 0; i < 8; i++) {
    memcpy(&word, seed + 4 * i, 4);
    key[i] ^= word;
  }
  uint64_t counted = rdtsc();
  key[0] ^= counted;
  key[1] ^= counted >> 32;
  is_seed_fresh = 1;
  used = sizeof block;
}

void random_bytes(void *to, size_t count) {
  uint8_t *out = to;
  mix_seed();
  while (count > 0) {
    if (used == sizeof block) {
      chacha_block(key, counter++, block);
      used = 0;
    }
    size_t take = sizeof block - used < count ? sizeof block - used : count;
    memcpy(out, block + used, take);
    memset(block + used, 0, take);
    used += take;
    out += take;
    count -= take;
  }
}
