/* The boot sequence, one line a step. */
#include "../dev/apic.h"
#include "../dev/clock.h"
#include "../dev/serial.h"
#include "../dev/virtio-serial.h"
#include "../mm/pages.h"
#include "../rt/engine.h"
#include "../rt/invoke.h"
#include "config.h"
#include "idt.h"
#include "marks.h"
#include "panic.h"

uint64_t marks[MARK_COUNT];
extern uint64_t mark_entry;

_Noreturn void kmain(uint32_t start_info) {
  marks[MARK_ENTRY] = mark_entry;
  mark(MARK_KERNEL);
  idt_init();
  pages_init(start_info);
  mark(MARK_MEMORY);
  serial_init();
  mark(MARK_CONSOLE);
  if (!config_valid()) panic("this kernel carries no function; build an image with Firstlight");
  apic_init();
  clock_init();
  virtio_serial_init();
  mark(MARK_DEVICES);
  engine_attach();
  mark(MARK_RUNTIME);
  invoke_loop();
}
