/* A saved place to return to, like setjmp and longjmp. */
#ifndef EMBER_CONTEXT_H
#define EMBER_CONTEXT_H

#include <stdint.h>

struct context {
  uint64_t words[8];
};

/* Returns 0 when saving, and the second argument of `context_restore` (never 0) when restored. */
int context_save(struct context *) __attribute__((returns_twice));
_Noreturn void context_restore(struct context *, int value);

#endif
