/*
 * Page tables, descriptors and the task state. The assembler fills all of them in; the boot fills in none.
 *
 * No page is both writable and executable. Pages without USER belong to ring 0 alone. The image writer completes the page directory with the
 * pages of linear memory, since it knows how much memory the function has.
 */
#include "../boot/layout.h"

#define NX 0x8000000000000000
#define USER 0x4
#define TABLE 0x27                 /* present, writable, user, accessed: the last level decides */
#define READ 0x21                  /* present, accessed */
#define WRITE 0x63                 /* and writable, dirty */
#define UNCACHED 0x18              /* write through, cache disabled */
#define LARGE 0x80
#define PAGE_SIZE 4096

  .section .kernel.tables, "aw"
pml4:
  .quad EMBER_PDPT + TABLE
  .fill 511, 8, 0

pdpt:
  .set at, EMBER_PAGE_DIRECTORY
  .rept 4
  .quad at + TABLE
  .set at, at + PAGE_SIZE
  .endr
  .fill (EMBER_DEVICE_WINDOW >> 30) - 4, 8, 0
  .quad EMBER_DEVICE_DIRECTORY + TABLE
  .fill 511 - (EMBER_DEVICE_WINDOW >> 30), 8, 0

  /* The lowest 2 MiB. */
  .macro pages from, to, flags
  .set at, \from
  .rept (\to - \from) / PAGE_SIZE
  .quad at + \flags
  .set at, at + PAGE_SIZE
  .endr
  .endm
kernel_pt:
  .fill EMBER_KERNEL_TEXT / PAGE_SIZE, 8, 0
  pages EMBER_KERNEL_TEXT, EMBER_KERNEL_RODATA, READ
  pages EMBER_KERNEL_RODATA, EMBER_PAGE_DIRECTORY, (NX+READ)
  pages EMBER_PAGE_DIRECTORY, (EMBER_KERNEL_STACK-PAGE_SIZE), (NX+WRITE)
  .quad 0
  .quad EMBER_KERNEL_STACK + NX + WRITE
  .quad 0
  .quad EMBER_FAULT_PAGE + NX + WRITE
  .fill (EMBER_IOAPIC - EMBER_FAULT_PAGE) / PAGE_SIZE - 1, 8, 0
  .quad EMBER_IOAPIC_PHYSICAL + NX + WRITE + UNCACHED
  .quad EMBER_FAULT_PAGE + NX + READ + USER
  .quad EMBER_APIC_PHYSICAL + NX + WRITE + UNCACHED

  /* 4 GiB in pages of 2 MiB. */
page_directory:
  .quad EMBER_KERNEL_PT + TABLE
  .quad EMBER_TEXT + READ + USER + LARGE
  .quad EMBER_RODATA + NX + READ + USER + LARGE
  .quad EMBER_DATA + NX + WRITE + USER + LARGE
  .quad 0 /* EMBER_STACK_GUARD */
  .set at, EMBER_STACK_BOTTOM
  .rept (EMBER_LINEAR_BASE - EMBER_STACK_BOTTOM) / EMBER_LARGE_PAGE
  .quad at + NX + WRITE + USER + LARGE
  .set at, at + EMBER_LARGE_PAGE
  .endr
  .fill 2048 - EMBER_LINEAR_BASE / EMBER_LARGE_PAGE, 8, 0

device_directory:
  .set at, EMBER_DEVICES_START
  .rept (EMBER_DEVICES_END - EMBER_DEVICES_START) / EMBER_LARGE_PAGE
  .quad at + NX + WRITE + USER + UNCACHED + LARGE
  .set at, at + EMBER_LARGE_PAGE
  .endr
  .fill EMBER_DEVICE_SLOTS - 2 - (EMBER_DEVICES_END - EMBER_DEVICES_START) / EMBER_LARGE_PAGE, 8, 0
  .quad EMBER_MMIO_START + NX + WRITE + USER + UNCACHED + LARGE
  .quad 0 + NX + READ + USER + LARGE

  .section .kernel.idt, "a"
  .macro gate target, type, stack
  .word \target & 0xffff
  .word EMBER_KERNEL_CS
  .byte \stack, \type
  .word \target >> 16
  .long 0, 0
  .endm
  .globl kernel_idt
kernel_idt:
  /* Exceptions leave their frame in the fault page (stack 1), except the one that ring 3 raises for a call. Each has 16 bytes of code. */
  .set vector, 0
  .rept 32
  .if vector == 3
  gate (EMBER_KERNEL_TEXT+0x200), 0xee, 0
  .else
  gate (EMBER_KERNEL_TEXT+16*vector), 0x8e, 1
  .endif
  .set vector, vector + 1
  .endr
  /* Never delivered: the APIC's task priority blocks them. */
  .fill 2 * (64 - 32), 8, 0
  .rept 255 - 64
  gate (EMBER_KERNEL_TEXT+0x240), 0x8e, 0
  .endr
  gate (EMBER_KERNEL_TEXT+0x280), 0x8e, 0

  .section .kernel.descriptors, "aw"
  .balign 16
task_state:
  .long 0
  .quad EMBER_KERNEL_STACK + PAGE_SIZE /* the stack for calls */
  .quad 0, 0, 0
  .quad EMBER_FAULT_PAGE + PAGE_SIZE /* stack 1 */
  .quad 0, 0, 0, 0, 0, 0, 0
  .word 0
  .word task_state_end - task_state /* no port is open to ring 3 */
task_state_end:
  .balign 16
kernel_gdt:
  .quad 0
  .quad 0x00af9b000000ffff /* EMBER_KERNEL_CS */
  .quad 0x00cf93000000ffff /* EMBER_KERNEL_SS */
  .quad 0x00cff3000000ffff /* EMBER_USER_SS */
  .quad 0x00affb000000ffff /* EMBER_USER_CS */
  .quad (task_state_end - task_state - 1) | (EMBER_KERNEL_DATA & 0xffffff) << 16 | 0x89 << 40 | (EMBER_KERNEL_DATA >> 24) << 56
  .quad 0
  .globl kernel_gdt_pointer
kernel_gdt_pointer:
  .word . - kernel_gdt - 1
  .quad kernel_gdt

  .section .note.GNU-stack, "", @progbits
