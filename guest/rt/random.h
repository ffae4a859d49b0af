/* Random bytes: ChaCha20 in counter mode, keyed by the seed that the host sends with every invocation. */
#ifndef EMBER_RANDOM_H
#define EMBER_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Mixes 32 bytes into the key; earlier output reveals nothing of later output. */
void random_seed(const uint8_t seed[32]);

void random_bytes(void *to, size_t count);

/* One 64-byte ChaCha20 block (RFC 8439, section 2.3): a 64-bit counter, a zero nonce. */
void chacha_block(const uint32_t key[8], uint64_t counter, uint8_t out[64]);

#endif
