#include "serial.h"

#include "../kernel/calls.h"

/* The number of bytes that one call of ring 0 takes. */
#define CALL_BYTES 8

static void write_raw(const char *bytes, size_t count) {
  while (count > 0) {
    size_t take = count < CALL_BYTES ? count : CALL_BYTES;
    uint64_t packed = 0;
    for (size_t i = 0; i < take; i++) packed |= (uint64_t)(uint8_t)bytes[i] << 8 * i;
    call_kernel(CALL_SERIAL_WRITE, packed, take);
    bytes += take;
    count -= take;
  }
}

void serial_write(const char *bytes, size_t count) {
  size_t start = 0;
  for (size_t i = 0; i < count; i++) {
    if (bytes[i] != '\n') continue;
    write_raw(bytes + start, i - start);
    write_raw("\r\n", 2);
    start = i + 1;
  }
  write_raw(bytes + start, count - start);
}
