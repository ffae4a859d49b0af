/*
 * The memory map, and the numbers that Ember shares with the host's image writer (core/runtimes/ember/layout.ts; a test compares the two).
 * Physical and virtual addresses are the same below 4 GiB, except in the two windows at the end of the kernel's 2 MiB.
 * C, the assembler and the linker script use this file: it has only defines of plain numbers.
 */
#ifndef EMBER_LAYOUT_H
#define EMBER_LAYOUT_H

/*
 * Ring 0, in pages of 4 KiB. Everything below it is not mapped, so that a null pointer faults.
 * Loading it also backs the lowest 2 MiB, where firmware works, with memory before the machine runs rather than while it boots.
 */
#define EMBER_KERNEL_TEXT 0x00100000
/* The entry point of PVH and of Ember's own firmware. */
#define EMBER_ENTRY 0x00100400
#define EMBER_KERNEL_RODATA 0x00104000
/* Page tables, each one page: level 4, level 3, level 1 of the kernel, level 2 of 4 GiB, level 2 of the device window. */
#define EMBER_PML4 0x00106000
#define EMBER_PDPT 0x00107000
#define EMBER_KERNEL_PT 0x00108000
#define EMBER_PAGE_DIRECTORY 0x00109000
#define EMBER_DEVICE_DIRECTORY 0x0010d000
/* Task state, descriptor table, variables. */
#define EMBER_KERNEL_DATA 0x0010e000
/* One page each, between pages that are absent. An exception leaves its frame at the top of the fault page. */
#define EMBER_KERNEL_STACK 0x00110000
#define EMBER_FAULT_PAGE 0x00112000
/* Ring 3 reads the fault page here. */
#define EMBER_FAULT_VIEW 0x001fe000
/* The interrupt controllers, for ring 0 alone: the I/O APIC and the local one. */
#define EMBER_IOAPIC 0x001fd000
#define EMBER_IOAPIC_PHYSICAL 0xfec00000
#define EMBER_APIC 0x001ff000
#define EMBER_APIC_PHYSICAL 0xfee00000

/* Ring 3. One 2 MiB page each: text, read-only data, data. A hole that catches stack overflows follows, then the stack. */
#define EMBER_TEXT 0x00200000
#define EMBER_RODATA 0x00400000
#define EMBER_DATA 0x00600000
/*
 * The stack on which exceptions are reported lies at the start of the data: below it is read-only memory, so that its overflow is a fault
 * and not a change of other data.
 */
#define EMBER_TRAP_STACK_TOP 0x00604000
#define EMBER_STACK_GUARD 0x00800000
#define EMBER_STACK_BOTTOM 0x00a00000
/* The config block lies right above, so that loading the image has already backed the top of the stack with memory. */
#define EMBER_STACK_TOP 0x01dff000
#define EMBER_CONFIG_BASE 0x01dff000
#define EMBER_LINEAR_BASE 0x01e00000
/* The upper limit of linear memory, however much RAM there is: it lies below the addresses of devices. */
#define EMBER_LINEAR_END 0xe0000000
#define EMBER_LINEAR_PAGE 65536
#define EMBER_RESERVE_PAGES 16
#define EMBER_LARGE_PAGE 0x200000

#define EMBER_CONFIG_MAGIC 0x52424d45
#define EMBER_CONFIG_VERSION 5

/*
 * 1 GiB of device memory, above every address that linear memory can reach by a 32-bit address and offset. Its first half maps the range
 * from EMBER_DEVICES_START to EMBER_DEVICES_END at build time; the second half is for devices above 4 GiB. Of its last two pages,
 * the first contains Firecracker's virtio-mmio devices, and the last maps firmware's memory read-only.
 */
#define EMBER_DEVICE_WINDOW 0x1000000000
#define EMBER_DEVICES_START 0xe0000000
#define EMBER_DEVICES_END 0xfec00000
#define EMBER_DEVICE_SLOTS 512
#define EMBER_FIRST_FREE_SLOT 256
#define EMBER_MMIO_START 0xc0000000
#define EMBER_MMIO_WINDOW 0x103fc00000
#define EMBER_LOW_WINDOW 0x103fe00000

#define EMBER_KERNEL_CS 0x08
#define EMBER_KERNEL_SS 0x10
#define EMBER_USER_SS 0x1b
#define EMBER_USER_CS 0x23
#define EMBER_TASK_SELECTOR 0x28

#define EMBER_VECTOR_DEVICE 0x40
#define EMBER_VECTOR_TIMER 0x41
#define EMBER_VECTOR_SPURIOUS 0xff

#endif
