/*
 * A hostile ring 3 in place of Ember's own: it tries every way into ring 0 that the processor has, and makes every call with any registers.
 * It prints the successful attempts on the serial port, and at the end that the kernel still answers.
 */
#include "../../boot/context.h"
#include "../../boot/layout.h"
#include "../../boot/trap.h"
#include "../../dev/serial.h"
#include "../../kernel/calls.h"
#include "../../rt/format.h"
#include "../../rt/memory.h"

#define CALLS 20000

static struct context before;
static struct trap_frame seen;
/* Volatile: otherwise the compiler could move these counts across an access that faults. */
static volatile int refused, failed;

static void say(const char *format, ...) {
  char text[160];
  va_list args;
  va_start(args, format);
  serial_write(text, format_text(text, sizeof text, format, args));
  va_end(args);
}

static void fail(const char *what, uint64_t where) {
  failed++;
  say("FAIL %s 0x%lx\n", what, where);
}

_Noreturn void trap(const struct trap_frame *frame) {
  seen = *frame;
  context_restore(&before, 1);
}

/* Counts one attempt that has to fault. */
#define MUST_FAULT(what, where, action)                                           \
  do {                                                                            \
    if (context_save(&before) == 0) {                                             \
      action;                                                                     \
      fail(what, where);                                                          \
    } else if (seen.cs != EMBER_USER_CS) {                                        \
      fail("fault in ring 0 by " what, seen.rip);                                 \
    } else {                                                                      \
      refused++;                                                                  \
    }                                                                             \
  } while (0)

#define MUST_FAULT_ASM(code) MUST_FAULT(code, 0, __asm__ volatile(code ::"a"(0), "c"(0x1b), "d"(0x3f8), "D"(&seen) : "memory"))

static void instructions(void) {
  MUST_FAULT_ASM("cli");
  MUST_FAULT_ASM("sti");
  MUST_FAULT_ASM("hlt");
  MUST_FAULT_ASM("in %%dx, %%al");
  MUST_FAULT_ASM("in %%dx, %%eax");
  MUST_FAULT_ASM("out %%al, %%dx");
  MUST_FAULT_ASM("out %%eax, $0xcf");
  MUST_FAULT_ASM("rep outsb");
  MUST_FAULT_ASM("mov %%rax, %%cr0");
  MUST_FAULT_ASM("mov %%rax, %%cr3");
  MUST_FAULT_ASM("mov %%cr3, %%rax");
  MUST_FAULT_ASM("mov %%rax, %%cr4");
  MUST_FAULT_ASM("mov %%rax, %%dr7");
  MUST_FAULT_ASM("rdmsr");
  MUST_FAULT_ASM("wrmsr");
  MUST_FAULT_ASM("clts");
  MUST_FAULT_ASM("invd");
  MUST_FAULT_ASM("wbinvd");
  MUST_FAULT_ASM("swapgs");
  MUST_FAULT_ASM("invlpg (%%rdi)");
  MUST_FAULT_ASM("lgdt (%%rdi)");
  MUST_FAULT_ASM("lidt (%%rdi)");
  MUST_FAULT_ASM("lldt %%ax");
  MUST_FAULT_ASM("ltr %%ax");
  MUST_FAULT_ASM("lmsw %%ax");
  MUST_FAULT_ASM("syscall");
  MUST_FAULT_ASM("sysenter");
  MUST_FAULT_ASM("int $0");
  MUST_FAULT_ASM("int $2");
  MUST_FAULT_ASM("int $8");
  MUST_FAULT_ASM("int $14");
  MUST_FAULT_ASM("int $0x40");
  MUST_FAULT_ASM("int $0x41");
  MUST_FAULT_ASM("int $0x80");
  MUST_FAULT_ASM("int $0xff");
  MUST_FAULT_ASM("ud2");
  MUST_FAULT_ASM("mov $0x08, %%eax; mov %%eax, %%ss");
  MUST_FAULT_ASM("mov $0x08, %%eax; mov %%eax, %%ds");
  MUST_FAULT_ASM("pushq $0x08; pushq $1f; lretq; 1:");
  MUST_FAULT_ASM("mov %%rsp, %%rax; pushq $0x10; pushq %%rax; pushq $2; pushq $0x08; pushq $1f; iretq; 1:");
}

static void must_not_read(const char *what, uint64_t at) { MUST_FAULT("read", at, (void)*(volatile uint8_t *)at); (void)what; }
static void must_not_write(uint64_t at) { MUST_FAULT("write", at, *(volatile uint8_t *)at = 0); }
static void must_not_execute(uint64_t at) { MUST_FAULT("execute", at, ((void (*)(void))at)()); }

static void memory(void) {
  must_not_write(EMBER_DATA - 1);
  for (uint64_t at = 0; at < EMBER_TEXT; at += 4096) {
    if (at != EMBER_FAULT_VIEW) must_not_read("ring 0's page", at);
    must_not_write(at);
    must_not_execute(at);
  }
  static const uint64_t unwritable[] = {EMBER_TEXT, EMBER_RODATA, EMBER_STACK_GUARD, EMBER_STACK_BOTTOM - 1, EMBER_LOW_WINDOW, EMBER_LOW_WINDOW + EMBER_PML4,
                                        EMBER_DEVICE_WINDOW + (EMBER_APIC_PHYSICAL - EMBER_DEVICES_START), EMBER_DEVICE_WINDOW + (EMBER_DEVICES_END - EMBER_DEVICES_START),
                                        EMBER_DEVICE_WINDOW + EMBER_FIRST_FREE_SLOT * (uint64_t)EMBER_LARGE_PAGE, 1ull << 40, 1ull << 47, ~0ull << 47, ~0ull << 12};
  for (unsigned i = 0; i < sizeof unwritable / sizeof unwritable[0]; i++) must_not_write(unwritable[i]);
  static const uint8_t return_code = 0xc3;
  static uint8_t data_code = 0xc3;
  uint8_t stack_code = 0xc3;
  must_not_execute((uint64_t)&return_code);
  must_not_execute((uint64_t)&data_code);
  must_not_execute((uint64_t)&stack_code);
  *(volatile uint8_t *)EMBER_LINEAR_BASE = 0xc3;
  must_not_execute(EMBER_LINEAR_BASE);
  must_not_execute(EMBER_CONFIG_BASE);
  must_not_execute(EMBER_DEVICE_WINDOW);
  must_not_execute(EMBER_LOW_WINDOW);
}

static uint64_t state = 88172645463325252ull;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static uint64_t any_value(void) {
  static const uint64_t edges[] = {0, 1, 7, 8, 9, 0xff, 0xcf8, 0x3f8, 0xffffff, 0x1000000, EMBER_KERNEL_TEXT, EMBER_PML4, EMBER_LINEAR_BASE, EMBER_LINEAR_END,
                                   EMBER_APIC_PHYSICAL, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100200000, 1ull << 46, 1ull << 63, ~0ull};
  switch (next() % 4) {
    case 0: return edges[next() % (sizeof edges / sizeof edges[0])];
    case 1: return edges[next() % (sizeof edges / sizeof edges[0])] + next() % 5 - 2;
    case 2: return next() >> next() % 64;
    default: return next();
  }
}

/* Valid effects of a call that would disturb the test: end the machine, sleep long, reconfigure a device, fill the console. */
static int is_meant(uint64_t call, uint64_t first, uint64_t second) {
  if (call == CALL_POWER_OFF) return 1;
  if (call == CALL_SLEEP) return first == 0 || (first > 1000 && first <= 0xffffffff);
  if (call == CALL_SERIAL_WRITE) return second > 0 && second <= 8;
  return call == CALL_PCI_WRITE && !(first & ~0xfffffcull) && second <= 0xffffffff;
}

struct registers {
  uint64_t rax, rdi, rsi, rdx, rsp, flags, rbx, rbp, r12, r13, r14, r15;
};

/* Makes a call with all registers given, including the stack pointer, and stores their values after the call. */
void call_with(struct registers *);
__asm__(
    ".text\n"
    "call_with:\n"
    "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n pushfq\n"
    "mov %rdi, call_registers(%rip)\n mov %rsp, call_stack(%rip)\n"
    "mov 48(%rdi), %rbx\n mov 56(%rdi), %rbp\n mov 64(%rdi), %r12\n mov 72(%rdi), %r13\n mov 80(%rdi), %r14\n mov 88(%rdi), %r15\n"
    "mov 0(%rdi), %rax\n mov 16(%rdi), %rsi\n mov 24(%rdi), %rdx\n"
    "pushq 40(%rdi)\n popfq\n"
    "mov 32(%rdi), %rsp\n mov 8(%rdi), %rdi\n"
    "int3\n"
    "mov call_registers(%rip), %rdi\n"
    "mov %rax, 0(%rdi)\n mov %rsp, 32(%rdi)\n"
    "mov %rbx, 48(%rdi)\n mov %rbp, 56(%rdi)\n mov %r12, 64(%rdi)\n mov %r13, 72(%rdi)\n mov %r14, 80(%rdi)\n mov %r15, 88(%rdi)\n"
    "mov call_stack(%rip), %rsp\n"
    "popfq\n pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n"
    ".bss\n.balign 8\ncall_registers: .quad 0\ncall_stack: .quad 0\n.text\n");

#define FLAGS_DIRECTION 0x400
#define FLAGS_NESTED 0x4000
#define FLAGS_ALIGNMENT 0x40000
#define FLAGS_ID 0x200000

static void calls(void) {
  static const uint64_t flag_bits[] = {0, FLAGS_DIRECTION, FLAGS_NESTED, FLAGS_ALIGNMENT, FLAGS_ID, 0x8d5};
  int made = 0;
  for (int i = 0; i < CALLS; i++) {
    struct registers r = {any_value(), next() % 4 ? next() % (CALL_COUNT + 2) : any_value(), any_value(), any_value(), any_value(), 2 | flag_bits[next() % 6],
                          any_value(), any_value(), any_value(), any_value(), any_value(), any_value()};
    if (is_meant(r.rdi, r.rsi, r.rdx)) continue;
    struct registers kept = r;
    if (context_save(&before)) {
      __asm__ volatile("cld");
      fail("a call faulted", kept.rdi);
      if (failed > 20) return;
      continue;
    }
    call_with(&r);
    made++;
    if (r.rsp != kept.rsp || r.rbx != kept.rbx || r.rbp != kept.rbp || r.r12 != kept.r12 || r.r13 != kept.r13 || r.r14 != kept.r14 || r.r15 != kept.r15)
      fail("registers changed by call", kept.rdi);
    if (kept.rdi >= CALL_COUNT && r.rax != CALL_REFUSED) fail("an unknown call was made", kept.rdi);
  }
  say("%d calls\n", made);
}

static void arguments(void) {
  static const struct {
    uint64_t call, first, second;
  } wrong[] = {
      {CALL_PCI_READ, 1, 0}, {CALL_PCI_READ, 0x1000000, 0}, {CALL_PCI_READ, 1ull << 63, 0}, {CALL_PCI_WRITE, 2, 0}, {CALL_PCI_WRITE, 0xf800, 1ull << 32},
      {CALL_SERIAL_WRITE, 0, 9}, {CALL_SERIAL_WRITE, 0, ~0ull}, {CALL_SLEEP, 1ull << 32, 0}, {CALL_SLEEP, ~0ull, 0}, {CALL_MAP_DEVICE, 0, 0},
      {CALL_MAP_DEVICE, EMBER_KERNEL_TEXT, 0}, {CALL_MAP_DEVICE, EMBER_APIC_PHYSICAL, 0}, {CALL_MAP_DEVICE, 0xffe00000, 0}, {CALL_MAP_DEVICE, (1ull << 32) + 4096, 0},
      {CALL_MAP_DEVICE, 1ull << 46, 0}, {CALL_MAP_DEVICE, 1ull << 63, 0}, {CALL_SET_MEMORY_END, 0, 0}, {CALL_SET_MEMORY_END, EMBER_KERNEL_TEXT, 0},
      {CALL_SET_MEMORY_END, EMBER_LINEAR_BASE - EMBER_LARGE_PAGE, 0}, {CALL_SET_MEMORY_END, EMBER_LINEAR_BASE + 4096, 0}, {CALL_SET_MEMORY_END, EMBER_LINEAR_END + EMBER_LARGE_PAGE, 0},
      {CALL_SET_MEMORY_END, (1ull << 32) + EMBER_LINEAR_BASE, 0}, {CALL_COUNT, 0, 0}};
  for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    if (call_kernel(wrong[i].call, wrong[i].first, wrong[i].second) != CALL_REFUSED) fail("accepted call", i);
    else refused++;
  }
  int mapped = 0;
  while (call_kernel(CALL_MAP_DEVICE, 1ull << 40, 0) != CALL_REFUSED) mapped++;
  if (mapped > EMBER_DEVICE_SLOTS) fail("pages mapped", mapped);
  must_not_write(EMBER_LOW_WINDOW);
}

/* Ring 0 sleeps in a call that was made with SMAP off, until the test has looked at its registers. */
static _Noreturn void sleep_with_ac(void) {
  uint64_t stack;
  for (;;) {
    __asm__ volatile("mov %%rsp, %0" : "=r"(stack));
    struct registers r = {.rdi = CALL_SLEEP, .rsp = stack, .flags = 2 | FLAGS_ALIGNMENT};
    call_with(&r);
  }
}

_Noreturn void ember_main(uint32_t start_info, uint64_t entry_tsc, uint32_t apic_id) {
  (void)start_info;
  (void)entry_tsc;
  (void)apic_id;
  call_kernel(CALL_SET_MEMORY_END, EMBER_LINEAR_BASE + EMBER_LARGE_PAGE, 0);
  instructions();
  memory();
  arguments();
  calls();
  /* The kernel is unchanged: it answers, sleeps, and still keeps ring 3 out. */
  uint32_t bridge = call_kernel(CALL_PCI_READ, 0, 0);
  if ((bridge & 0xffff) != 0x8086) fail("the host bridge is", bridge);
  call_kernel(CALL_SLEEP, 10, 0);
  must_not_write(EMBER_PML4);
  say("%d refused, %d failed\nthe end\n", refused, failed);
  sleep_with_ac();
}
