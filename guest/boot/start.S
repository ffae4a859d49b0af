/*
 * From the PVH entry (32-bit protected mode, paging off, ebx = start info) to `kmain` in long mode.
 *
 * The page tables are built by the assembler, so that getting to long mode is a handful of instructions: code is read-only, everything
 * else is not executable, the page below the stack is absent. `pages.c` fills in linear memory once the size of RAM is known.
 */
#include "layout.h"

#define NX 0x8000000000000000
#define LARGE_RX 0xa1 /* present, accessed, 2 MiB */
#define LARGE_RO (NX + 0xa1)
#define LARGE_RW (NX + 0xe3) /* and writable, dirty */
#define TABLE 0x63 /* present, writable, accessed, dirty */

  .section .note.pvh, "a", @note
  .balign 4
  .long 4, 8, 18 /* name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY */
  .asciz "Xen"
  .quad pvh_entry

  .section .text.start, "ax"
  .code32
  .globl pvh_entry
pvh_entry:
  cli
  cld
  rdtsc
  movl %eax, mark_entry
  movl %edx, mark_entry + 4
  movl %ebx, pvh_start_info
  movl $0x620, %eax /* PAE, OSFXSR, OSXMMEXCPT */
  movl %eax, %cr4
  movl $boot_pml4, %eax
  movl %eax, %cr3
  movl $0xc0000080, %ecx /* EFER: long mode, NX */
  xorl %edx, %edx
  movl $0x900, %eax
  wrmsr
  movl $0x80010033, %eax /* PG, WP, NE, ET, MP, PE */
  movl %eax, %cr0
  lgdt boot_gdt_pointer
  ljmp $0x08, $1f
  .code64
1:
  movl $0x10, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  xorl %eax, %eax
  movl %eax, %fs
  movl %eax, %gs
  movl $EMBER_STACK_TOP, %esp
  xorl %ebp, %ebp
  movl pvh_start_info, %edi
  call kmain
2:
  cli
  hlt
  jmp 2b

  .section .data.boot, "aw"
  .globl mark_entry
  .balign 8
mark_entry:
  .quad 0
pvh_start_info:
  .long 0

  .balign 8
  .globl boot_gdt
boot_gdt:
  .quad 0
  .quad 0x00af9b000000ffff /* 0x08: code, 64-bit */
  .quad 0x00cf93000000ffff /* 0x10: data */
  .quad 0, 0               /* 0x18: task state, written by idt_init */
boot_gdt_end:
boot_gdt_pointer:
  .word boot_gdt_end - boot_gdt - 1
  .quad boot_gdt

  .section .data.pages, "aw"
  .balign 4096
boot_pml4:
  .quad boot_pdpt + TABLE
  .fill 511, 8, 0
boot_pdpt:
  .quad boot_pd + TABLE
  .quad boot_pd + 4096 + TABLE
  .quad boot_pd + 8192 + TABLE
  .quad boot_pd + 12288 + TABLE
  .fill 60, 8, 0
  .quad mmio_pd + TABLE /* 64 GiB: EMBER_MMIO_BASE */
  .fill 447, 8, 0
  .globl boot_pd
boot_pd:
  .quad LARGE_RW             /* 0: firmware's tables; taken away after boot, so that null pointers fault */
  .quad 0x200000 + LARGE_RX  /* code */
  .quad 0x400000 + LARGE_RO  /* constants */
  .quad 0x600000 + LARGE_RW  /* data */
  .quad 0                    /* guard */
  .set at, EMBER_STACK_BOTTOM /* stack and config, up to linear memory */
  .rept (EMBER_LINEAR_BASE - EMBER_STACK_BOTTOM) >> 21
  .quad at + LARGE_RW
  .set at, at + 0x200000
  .endr
  .fill 2048 - (EMBER_LINEAR_BASE >> 21), 8, 0
  .globl mmio_pd
mmio_pd:
  .fill 512, 8, 0

  .section .note.GNU-stack, "", @progbits
