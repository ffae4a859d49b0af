/* Ring 0 between its C and its assembly. */
#ifndef EMBER_KERNEL_H
#define EMBER_KERNEL_H

#include "calls.h"

/* Called by entry.S once. Returns the number of this CPU's APIC, which devices send their interrupts to. */
uint32_t kernel_init(void);

/* Called by traps.S with any values that ring 3 had in its registers. */
struct call_result kernel_call(uint64_t call, uint64_t first, uint64_t second);

/* The tables at EMBER_PAGE_DIRECTORY (2048 entries) and EMBER_DEVICE_DIRECTORY (EMBER_DEVICE_SLOTS). */
extern uint64_t kernel_page_directory[], kernel_device_directory[];

#endif
