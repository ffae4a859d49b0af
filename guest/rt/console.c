#include "../dev/console-port.h"
#include "../dev/serial.h"
#include "format.h"

void kprintf(const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  size_t length = format_text(text, sizeof text, format, args);
  va_end(args);
  /* The function's output comes first. */
  console_flush();
  serial_write(text, length);
}
