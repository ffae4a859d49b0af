/* The frame that an exception leaves for ring 3. */
#ifndef EMBER_TRAP_H
#define EMBER_TRAP_H

#include <stdint.h>

/* kernel/traps.S pushes it at the end of the fault page, which ring 3 only reads. The next exception overwrites it. */
struct trap_frame {
  uint64_t cr2, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
  uint64_t vector, error;
  uint64_t rip, cs, rflags, rsp, ss;
};

/* The place where ring 0 resumes ring 3 after an exception, on a separate stack, so that a stack overflow can still be reported. */
_Noreturn void trap(const struct trap_frame *);

#endif
