#include "idt.h"

#include "layout.h"

extern const uint64_t isr_table[32];
extern uint64_t boot_gdt[5];
extern char isr_device[], isr_spurious[];

struct gate {
  uint16_t low, selector;
  uint8_t ist, type;
  uint16_t mid;
  uint32_t high, zero;
};

static struct gate idt[256];

static struct {
  uint32_t reserved0;
  uint64_t rsp[3];
  uint64_t reserved1;
  uint64_t ist[7];
  uint64_t reserved2;
  uint16_t reserved3, io_map;
} __attribute__((packed)) tss;

/* Exceptions run here, so that an overflowed stack can still be reported. */
static uint8_t exception_stack[16384] __attribute__((aligned(16)));

static void set_gate(int vector, uint64_t target, int ist) {
  idt[vector] = (struct gate){
      .low = target, .selector = 0x08, .ist = ist, .type = 0x8e, .mid = target >> 16, .high = target >> 32};
}

void idt_init(void) {
  for (int i = 0; i < 32; i++) set_gate(i, isr_table[i], 1);
  set_gate(EMBER_VECTOR_DEVICE, (uint64_t)isr_device, 0);
  set_gate(EMBER_VECTOR_TIMER, (uint64_t)isr_device, 0);
  set_gate(EMBER_VECTOR_SPURIOUS, (uint64_t)isr_spurious, 0);

  tss.ist[0] = (uint64_t)exception_stack + sizeof exception_stack;
  tss.io_map = sizeof tss;
  uint64_t base = (uint64_t)&tss;
  boot_gdt[3] = (sizeof tss - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
  boot_gdt[4] = base >> 32;

  struct {
    uint16_t limit;
    uint64_t base;
  } __attribute__((packed)) pointer = {sizeof idt - 1, (uint64_t)idt};
  __asm__ volatile("lidt %0\n ltr %w1" ::"m"(pointer), "r"(0x18));
}
