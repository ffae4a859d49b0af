/*
 * Ring 0 from the PVH entry (32-bit protected mode, paging off, ebx = start info) to `ember_main` in ring 3.
 *
 * Ring 0 uses no SSE and has few instructions: a KVM without hardware support for guests (PVM) runs ring 3 natively and
 * interprets ring 0, at some 0.6 us for each instruction.
 */
#include "../boot/layout.h"

#define CR0 0x80010033      /* PG, WP, NE, ET, MP, PE */
#define CR4 0x620           /* PAE, OSFXSR, OSXMMEXCPT */
#define CR4_UMIP 11
#define CR4_SMEP 20
#define CR4_SMAP 21
#define EFER_MSR 0xc0000080
#define EFER 0x900          /* long mode, NX */

  .section .note.pvh, "a", @note
  .balign 4
  .long 4, 8, 18 /* name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY */
  .asciz "Xen"
  .quad pvh_entry

  .section .kernel.entry, "ax"
  .code32
  .globl pvh_entry
pvh_entry:
  cli
  cld
  rdtsc
  movl %eax, %esi
  movl %edx, %ebp
  movl %ebx, %edi
  /* Keeps ring 0 from executing and reading ring 3's memory, where the processor supports it. */
  xorl %eax, %eax
  cpuid
  movl $CR4, %esp
  cmpl $7, %eax
  jb 1f
  movl $7, %eax
  xorl %ecx, %ecx
  cpuid
  xorl %edx, %edx
  btl $7, %ebx
  jnc 2f
  btsl $CR4_SMEP, %esp
2:
  btl $20, %ebx
  jnc 2f
  btsl $CR4_SMAP, %esp
2:
  btl $2, %ecx
  jnc 1f
  btsl $CR4_UMIP, %esp
1:
  movl %esp, %cr4
  movl $EMBER_PML4, %eax
  movl %eax, %cr3
  movl $EFER_MSR, %ecx
  xorl %edx, %edx
  movl $EFER, %eax
  wrmsr
  movl $CR0, %eax
  movl %eax, %cr0
  lgdt kernel_gdt_pointer
  ljmp $EMBER_KERNEL_CS, $1f
  .code64
1:
  movl $EMBER_USER_SS, %eax
  movl %eax, %ds
  movl %eax, %es
  xorl %eax, %eax
  movl %eax, %fs
  movl %eax, %gs
  movl $EMBER_KERNEL_SS, %eax
  movl %eax, %ss
  movl $EMBER_KERNEL_STACK + 4096, %esp
  lidt idt_pointer
  movl $EMBER_TASK_SELECTOR, %eax
  ltr %ax
  shlq $32, %rbp
  orq %rsi, %rbp
  movl %edi, %ebx
  call kernel_init
  /* ember_main(start info, counter at the first instruction, number of this CPU's APIC), with interrupts off. */
  movl %ebx, %edi
  movq %rbp, %rsi
  movl %eax, %edx
  xorl %ebp, %ebp
  pushq $EMBER_USER_SS
  pushq $EMBER_STACK_TOP - 8 /* as after a call */
  pushq $2
  pushq $EMBER_USER_CS
  pushq $ember_main
  iretq

  .section .kernel.rodata, "a"
idt_pointer:
  .word 256 * 16 - 1
  .quad kernel_idt

  .section .note.GNU-stack, "", @progbits
