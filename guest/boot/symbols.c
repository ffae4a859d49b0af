#include "symbols.h"

/* Shape: count, then count pairs of (address, offset of the name behind the pairs), by address. Written by build/guest.mjs. */
extern const uint32_t symbol_table[];

const char *symbol_find(uint64_t address, uint64_t *offset) {
  uint32_t count = symbol_table[0];
  const uint32_t *pairs = symbol_table + 1;
  if (count == 0 || address < pairs[0] || address >= pairs[2 * (count - 1)]) return 0;
  uint32_t low = 0, high = count - 1;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (pairs[2 * middle] <= address) low = middle;
    else high = middle;
  }
  *offset = address - pairs[2 * low];
  return (const char *)(pairs + 2 * count) + pairs[2 * low + 1];
}
