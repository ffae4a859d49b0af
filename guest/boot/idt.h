/* Interrupt table, task state (the separate stack for exceptions) and the frame that an exception leaves. */
#ifndef EMBER_IDT_H
#define EMBER_IDT_H

#include <stdint.h>

struct trap_frame {
  uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
  uint64_t vector, error;
  uint64_t rip, cs, rflags, rsp, ss;
};

void idt_init(void);

/* Called by isr.S for every exception. */
_Noreturn void trap(struct trap_frame *);

#endif
