/* Interrupt entry points. Exceptions build a `struct trap_frame` and call `trap`; device interrupts only acknowledge and count. */
#include "layout.h"

  .text
  .macro exception number, has_code
  .globl isr_\number
isr_\number:
  .if \has_code == 0
  pushq $0
  .endif
  pushq $\number
  jmp exception_common
  .endm

  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 18, 19, 20, 22, 23, 24, 25, 26, 27, 28, 31
  exception \n, 0
  .endr
  .irp n, 8, 10, 11, 12, 13, 14, 17, 21, 29, 30
  exception \n, 1
  .endr

exception_common:
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
  cld
  movq %rsp, %rdi
  andq $-16, %rsp
  call trap
  ud2

  .globl isr_device
isr_device:
  pushq %rax
  movq lapic_eoi, %rax
  movl $0, (%rax)
  popq %rax
  iretq

  .globl isr_spurious
isr_spurious:
  iretq

/* int context_save(struct context *): 0 the first time, then what `context_restore` was given. */
  .globl context_save
context_save:
  movq (%rsp), %rdx
  movq %rdx, (%rdi)
  leaq 8(%rsp), %rdx
  movq %rdx, 8(%rdi)
  movq %rbx, 16(%rdi)
  movq %rbp, 24(%rdi)
  movq %r12, 32(%rdi)
  movq %r13, 40(%rdi)
  movq %r14, 48(%rdi)
  movq %r15, 56(%rdi)
  xorl %eax, %eax
  ret

/* void context_restore(struct context *, int): does not return here. */
  .globl context_restore
context_restore:
  movl %esi, %eax
  movq 16(%rdi), %rbx
  movq 24(%rdi), %rbp
  movq 32(%rdi), %r12
  movq 40(%rdi), %r13
  movq 48(%rdi), %r14
  movq 56(%rdi), %r15
  movq 8(%rdi), %rsp
  jmpq *(%rdi)

  .section .rodata
  .globl isr_table
  .balign 8
isr_table:
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  .quad isr_\n
  .endr

  .section .note.GNU-stack, "", @progbits
