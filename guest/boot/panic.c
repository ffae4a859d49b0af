#include "panic.h"

#include <stdarg.h>

#include "../dev/console-port.h"
#include "../kernel/calls.h"
#include "../rt/format.h"
#include "../rt/invoke.h"
#include "layout.h"
#include "marks.h"
#include "symbols.h"
#include "trap.h"

struct context *crash_handler;

static const char *const vector_names[32] = {
    "divide error",        "debug",
    "NMI",                 "breakpoint",
    "overflow",            "bound range exceeded",
    "invalid opcode",      "device not available",
    "double fault",        "coprocessor segment overrun",
    "invalid TSS",         "segment not present",
    "stack-segment fault", "general protection fault",
    "page fault",          "reserved",
    "x87 floating point",  "alignment check",
    "machine check",       "SIMD floating point",
    "virtualization",      "control protection"};

/* The registers of the caller of `panic` or `crash` (snapshot.S), whose other halves are here. */
struct trap_frame panic_frame;
_Noreturn void panic_on(const char *format, ...);
_Noreturn void crash_on(enum crash kind, const char *what);

static _Noreturn void power_off(void) {
  for (;;) call_kernel(CALL_POWER_OFF, 0, 0);
}

_Noreturn void halt(void) {
  console_flush();
  power_off();
}

static void print_address(const char *label, uint64_t address) {
  uint64_t offset = 0;
  const char *name = symbol_find(address, &offset);
  if (name) kprintf("%s%016lx  %s+0x%lx\n", label, address, name, offset);
  else kprintf("%s%016lx\n", label, address);
}

/* Works without frame pointers: lists every word on the stack that follows a call in our code. It may show a stale call; it never
 * misses a live one. */
static void print_backtrace(uint64_t rsp) {
  if (rsp < EMBER_STACK_BOTTOM || rsp >= EMBER_STACK_TOP) rsp = EMBER_STACK_BOTTOM;
  kprintf("calls (from the stack, newest first):\n");
  int shown = 0, repeats = 0;
  uint64_t last = 0;
  for (const uint64_t *p = (const uint64_t *)(rsp & ~7ull); p < (const uint64_t *)EMBER_STACK_TOP && shown < 24; p++) {
    uint64_t offset;
    /* Ring 0's code has names too, but ring 3 cannot read it at its own address. */
    if (*p < EMBER_TEXT) continue;
    if (!symbol_find(*p, &offset) || offset < 2) continue;
    const uint8_t *code = (const uint8_t *)*p;
    int direct = offset >= 5 && code[-5] == 0xe8;
    int indirect = (code[-2] == 0xff && (code[-1] & 0x38) == 0x10) || (offset >= 3 && code[-3] == 0xff && (code[-2] & 0x38) == 0x10) ||
                   (offset >= 6 && code[-6] == 0xff && (code[-5] & 0x38) == 0x10);
    if (!direct && !indirect) continue;
    if (*p == last) {
      repeats++;
      continue;
    }
    if (repeats) kprintf("    ... %d more times\n", repeats);
    repeats = 0;
    last = *p;
    print_address("  ", *p);
    shown++;
  }
}

/* The progress of the boot: the marks in order of time, in counts since the first. */
static void print_marks(void) {
  static const char *const names[MARK_COUNT] = {"entry", "kernel", "memory", "discovery", "devices", "runtime", "function", "invoke", "handler", "returned", "respond"};
  kprintf("marks (counts since entry):");
  for (int i = 1; i < MARK_COUNT; i++) {
    if (marks[i]) kprintf(" %s %lu", names[i], marks[i] - marks[MARK_ENTRY]);
  }
  kprintf("\n");
}

static void print_registers(const struct trap_frame *f) {
  print_address("  rip ", f->rip);
  kprintf("  rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
  kprintf("  rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx\n", f->rsi, f->rdi, f->rbp, f->rsp);
  kprintf("  r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n", f->r8, f->r9, f->r10, f->r11);
  kprintf("  r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n", f->r12, f->r13, f->r14, f->r15);
  kprintf("  rflags %lx  cs %lx\n", f->rflags, f->cs);
  print_backtrace(f->rsp);
  print_marks();
}

static void print_fault(const struct trap_frame *f) {
  uint64_t cr2 = f->cr2;
  const char *name = f->vector < 22 ? vector_names[f->vector] : "exception";
  kprintf("\nember: %s (vector %lu, error 0x%lx)\n", name, f->vector, f->error);
  if (f->cs != EMBER_USER_CS) kprintf("  in ring 0\n");
  if (f->vector == 14) {
    const char *where = cr2 < 4096 ? ": null pointer" : cr2 >= EMBER_STACK_GUARD && cr2 < EMBER_STACK_BOTTOM ? ": stack overflow" : "";
    kprintf("  %s at %016lx, page %s%s\n", f->error & 16 ? "fetch" : f->error & 2 ? "write" : "read", cr2,
            f->error & 1 ? "protected" : "not present", where);
  } else if (f->error && (f->vector == 13 || (f->vector >= 10 && f->vector <= 12))) {
    kprintf("  selector 0x%lx in the %s\n", f->error >> 3, f->error & 2 ? "IDT" : f->error & 4 ? "LDT" : "GDT");
  }
  print_registers(f);
}

static _Noreturn void finish(const char *message) {
  static int again;
  if (!again++) invoke_report_panic(message);
  halt();
}

_Noreturn void trap(const struct trap_frame *f) {
  static int reporting;
  /* A fault during the report of a fault: a report of the second one might never end. */
  if (reporting++) power_off();
  print_fault(f);
  uint64_t cr2 = f->cr2;
  if (crash_handler && f->vector == 14 && f->cs == EMBER_USER_CS) {
    struct context *handler = crash_handler;
    crash_handler = 0;
    reporting = 0;
    if (cr2 >= EMBER_STACK_GUARD && cr2 < EMBER_STACK_BOTTOM) context_restore(handler, CRASH_STACK);
    if (cr2 >= EMBER_LINEAR_BASE && cr2 < EMBER_LINEAR_BASE + (8ull << 30)) context_restore(handler, CRASH_MEMORY);
  }
  finish(f->vector < 22 ? vector_names[f->vector] : "exception");
}

_Noreturn void crash_on(enum crash kind, const char *what) {
  if (!crash_handler) panic_on("%s", what);
  struct context *handler = crash_handler;
  crash_handler = 0;
  kprintf("\nember: %s\n", what);
  print_registers(&panic_frame);
  context_restore(handler, kind);
}

_Noreturn void panic_on(const char *format, ...) {
  char text[256];
  va_list args;
  va_start(args, format);
  format_text(text, sizeof text, format, args);
  va_end(args);
  kprintf("\nember: panic: %s\n", text);
  print_registers(&panic_frame);
  finish(text);
}
