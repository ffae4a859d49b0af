/*
 * Firmware for machines that run Ember and nothing else: from the reset vector to the entry of the kernel, which the VMM has put in memory.
 *
 * Ember does the work of other firmware itself or does not need it: it places its device in PCI memory, and uses no ACPI tables and no BIOS.
 * qboot takes 4 ms emulated, and 40 to 75 where ring 0 is interpreted (PVM); these 30 instructions take 0.3 and less than 2.
 */
#include "../boot/layout.h"

#define ROM_BASE 0xffff0000
#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
/* RAM between 16 MiB and 4 GiB, in units of 64 KiB: two bytes. QEMU writes them. */
#define CMOS_MEMORY_LOW 0x34
#define CMOS_MEMORY_HIGH 0x35

/* hvm_start_info and one hvm_memmap_table_entry of the PVH boot protocol; RAM is zero elsewhere. */
#define START_INFO 0x1000
#define MEMORY_MAP 0x1040
#define START_INFO_MAGIC 0x336ec578
#define RAM 1
#define MIB 0x100000

  .section .text, "ax"
  .code32
start32:
  movl $16, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  movb $CMOS_MEMORY_HIGH, %al
  outb %al, $CMOS_INDEX
  inb $CMOS_DATA, %al
  shll $8, %eax
  movb $CMOS_MEMORY_LOW, %al
  outb %al, $CMOS_INDEX
  inb $CMOS_DATA, %al
  movzwl %ax, %eax
  shll $16, %eax
  addl $15 * MIB, %eax
  movl $MIB, MEMORY_MAP
  movl %eax, MEMORY_MAP + 8
  movl $RAM, MEMORY_MAP + 16
  movl $START_INFO_MAGIC, START_INFO
  movl $1, START_INFO + 4
  movl $MEMORY_MAP, START_INFO + 40
  movl $1, START_INFO + 48
  movl $START_INFO, %ebx
  movl $EMBER_ENTRY, %eax
  jmp *%eax

  .balign 8
gdt:
  .quad 0
  .quad 0x00cf9b000000ffff
  .quad 0x00cf93000000ffff
gdt_pointer:
  .word . - gdt - 1
  .long gdt

  .code16
start16:
  cli
  addr32 lgdtl %cs:(gdt_pointer - ROM_BASE)
  movl $0x11, %eax /* protected mode; caches on */
  movl %eax, %cr0
  ljmpl $8, $start32

  /* The processor starts here. */
  .section .reset, "ax"
  .code16
  jmp start16
  .balign 16

  .section .note.GNU-stack, "", @progbits
