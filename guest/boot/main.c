/* The boot sequence in ring 3, one line for each step. Ring 0's part is kernel/entry.S. */
#include "../dev/alone.h"
#include "../dev/timer.h"
#include "../dev/virtio-mmio.h"
#include "../dev/virtio-pci.h"
#include "../dev/virtio-serial.h"
#include "../dev/vsock.h"
#include "../mm/pages.h"
#include "../rt/engine.h"
#include "../rt/invoke.h"
#include "config.h"
#include "marks.h"
#include "panic.h"

uint64_t marks[MARK_COUNT];

/* A command line that names virtio-mmio devices belongs to a machine without PCI: PCI is not searched there. A guest on its own has no channel. */
static void open_channel(void) {
  uint32_t bytes = 0;
  const char *text = pages_command_line(&bytes);
  int is_mmio = text && virtio_mmio_find(text, bytes) > 0;
  virtio_use(is_mmio ? &virtio_mmio : &virtio_pci);
  if (text && resident_asked(text, bytes)) resident_init();
  if (text && alone_asked(text, bytes)) alone_init();
  else if (is_mmio && virtio_has(VIRTIO_VSOCK)) vsock_init();
  else virtio_serial_init();
}

_Noreturn void ember_main(uint32_t start_info, uint64_t entry_tsc, uint32_t apic_id) {
  marks[MARK_ENTRY] = entry_tsc;
  mark(MARK_KERNEL);
  timer_init(apic_id);
  pages_init(start_info);
  mark(MARK_MEMORY);
  if (!config_valid()) panic("this kernel carries no function; build an image with Firstlight");
  open_channel();
  mark(MARK_DEVICES);
  engine_attach();
  mark(MARK_RUNTIME);
  invoke_loop();
}
