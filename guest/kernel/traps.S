/*
 * The entry points of ring 0, which the IDT (tables.S) names.
 *
 * Ring 3 has interrupts off, so a device or the timer interrupts only `CALL_SLEEP`. An exception does not return: ring 3 gets its frame
 * and decides. No memory of ring 3 is read or written here.
 */
#include "../boot/layout.h"

#define APIC_EOI 0xb0
/* EFLAGS.AC: while it is set, SMAP does not hold. Ring 3 may set it, and neither an exception nor `int3` clears it. */
#define FLAGS_AC 0x40000

  /* Not `clac`, which processors without SMAP do not have. */
  .macro clear_ac
  pushfq
  andl $~FLAGS_AC, (%rsp)
  popfq
  .endm

  .section .kernel.traps, "ax"
  .set vector, 0
  .rept 32
  .balign 16, 0xcc
  .if !((vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30))
  pushq $0
  .endif
  pushq $vector
  jmp exception
  .set vector, vector + 1
  .endr

/*
 * `int3` in ring 3: a call, the only way into ring 0. It is an exception, since some KVMs deliver no software interrupts and no `syscall`.
 * The number is in rdi, as for a C function with three arguments; the registers that such a function may clobber are clobbered here too.
 */
  .org 0x200, 0xcc
  cld
  /* Ring 3's flags: they have it nearly never, and instructions of ring 0 are dear under PVM. */
  testl $FLAGS_AC, 16(%rsp)
  jnz 1f
2:
  call kernel_call
  iretq
1:
  clear_ac
  jmp 2b

  .org 0x240, 0xcc
/* An interrupt: only its arrival matters. */
  movl $0, EMBER_APIC + APIC_EOI
  iretq

  .org 0x280, 0xcc
/* A spurious interrupt has nothing to acknowledge. */
  iretq

/* Pushes a `struct trap_frame`, which fills the fault page's last 184 bytes, and goes to `trap` in ring 3, on a separate stack. */
exception:
  clear_ac
  pushq %rax
  pushq %rbx
  pushq %rcx
  pushq %rdx
  pushq %rsi
  pushq %rdi
  pushq %rbp
  pushq %r8
  pushq %r9
  pushq %r10
  pushq %r11
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %cr2, %rax
  pushq %rax
  movl %esp, %edi
  addl $EMBER_FAULT_VIEW - EMBER_FAULT_PAGE, %edi
  pushq $EMBER_USER_SS
  pushq $EMBER_TRAP_STACK_TOP - 8 /* as after a call */
  pushq $2
  pushq $EMBER_USER_CS
  pushq $trap
  iretq

  .section .note.GNU-stack, "", @progbits
