/*
 * The entries of `panic` and `crash`: they keep the caller's registers, in a `struct trap_frame` as an exception leaves it, before a
 * compiler's code changes them, and go on with the same arguments.
 */
  .macro snapshot name, next
  .globl \name
\name:
  movq %r15, panic_frame+8(%rip)
  movq %r14, panic_frame+16(%rip)
  movq %r13, panic_frame+24(%rip)
  movq %r12, panic_frame+32(%rip)
  movq %r11, panic_frame+40(%rip)
  movq %r10, panic_frame+48(%rip)
  movq %r9, panic_frame+56(%rip)
  movq %r8, panic_frame+64(%rip)
  movq %rbp, panic_frame+72(%rip)
  movq %rdi, panic_frame+80(%rip)
  movq %rsi, panic_frame+88(%rip)
  movq %rdx, panic_frame+96(%rip)
  movq %rcx, panic_frame+104(%rip)
  movq %rbx, panic_frame+112(%rip)
  movq %rax, panic_frame+120(%rip)
  pushfq
  popq panic_frame+160(%rip)
  popq panic_frame+144(%rip) /* the return address */
  movq %rsp, panic_frame+168(%rip)
  pushq panic_frame+144(%rip)
  movw %cs, panic_frame+152(%rip)
  decq panic_frame+144(%rip) /* the call itself: it may be the last instruction of its function */
  jmp \next
  .endm

  .text
  snapshot panic, panic_on
  snapshot crash, crash_on

  .section .note.GNU-stack, "", @progbits
