/*
 * Addresses and numbers that Ember shares with the host's image writer (core/runtimes/ember/layout.ts; a test compares the two),
 * and the guest's memory map. Physical and virtual addresses are the same below 4 GiB.
 */
#ifndef EMBER_LAYOUT_H
#define EMBER_LAYOUT_H

#define EMBER_CONFIG_BASE 0x01dff000
#define EMBER_LINEAR_BASE 0x01e00000
#define EMBER_LINEAR_PAGE 65536
#define EMBER_CONFIG_MAGIC 0x52424d45
#define EMBER_CONFIG_VERSION 1
#define EMBER_RESERVE_PAGES 16

/* Linear memory ends here at the latest, however much RAM there is: below the addresses of devices. */
#define EMBER_LINEAR_END 0xe0000000

/* One 2 MiB page each: text, read-only data, data. Then a hole that catches a stack that overflows, and the stack. */
#define EMBER_STACK_GUARD 0x00800000
#define EMBER_STACK_BOTTOM 0x00a00000
/* The config block lies right above, so that loading the image has already backed the top of the stack with memory. */
#define EMBER_STACK_TOP 0x01dff000

/* Device memory is mapped here on demand, above everything that linear memory can reach by a 32-bit address and offset. */
#define EMBER_MMIO_BASE 0x1000000000

#define EMBER_VECTOR_DEVICE 0x40
#define EMBER_VECTOR_TIMER 0x41
#define EMBER_VECTOR_SPURIOUS 0xff

#endif
