  .text
/* int context_save(struct context *): 0 the first time, then the value passed to `context_restore`. */
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

  .section .note.GNU-stack, "", @progbits
