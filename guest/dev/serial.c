#include "serial.h"

#include "io.h"

#define COM1 0x3f8
#define LINE_STATUS (COM1 + 5)
#define TRANSMITTER_EMPTY 0x20
/* With its FIFO on, an empty transmitter takes this many bytes before it must be asked again. */
#define FIFO_BYTES 16

void serial_init(void) {
  outb(COM1 + 1, 0);    /* no interrupts */
  outb(COM1 + 3, 0x80); /* divisor latch */
  outb(COM1 + 0, 1);    /* 115200 baud */
  outb(COM1 + 1, 0);
  outb(COM1 + 3, 3);    /* 8 data bits, no parity, 1 stop bit */
  outb(COM1 + 2, 0x07); /* FIFO on and cleared */
  outb(COM1 + 4, 3);    /* DTR, RTS */
}

static void write_raw(const char *bytes, size_t count) {
  while (count > 0) {
    while (!(inb(LINE_STATUS) & TRANSMITTER_EMPTY)) __asm__ volatile("pause");
    size_t take = count < FIFO_BYTES ? count : FIFO_BYTES;
    outsb(COM1, bytes, take);
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
