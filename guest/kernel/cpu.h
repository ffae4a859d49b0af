/* The instructions that only ring 0 may execute, and its APIC. The tests of calls.c replace them. */
#ifndef EMBER_CPU_H
#define EMBER_CPU_H

#include <stdint.h>
#include "../boot/layout.h"

static inline void outb(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline void outw(uint16_t port, uint16_t value) { __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
static inline void outl(uint16_t port, uint32_t value) { __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }

static inline uint8_t inb(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}

static inline uint32_t inl(uint16_t port) {
  uint32_t value;
  __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}

static inline uint32_t apic_read(uint32_t reg) { return *(volatile uint32_t *)(uint64_t)(EMBER_APIC + reg); }
static inline void apic_write(uint32_t reg, uint32_t value) { *(volatile uint32_t *)(uint64_t)(EMBER_APIC + reg) = value; }

/* One register of the I/O APIC: its number is written first, then the value. */
static inline void ioapic_write(uint32_t reg, uint32_t value) {
  *(volatile uint32_t *)(uint64_t)EMBER_IOAPIC = reg;
  *(volatile uint32_t *)(uint64_t)(EMBER_IOAPIC + 0x10) = value;
}

static inline uint64_t cpu_read_msr(uint32_t msr) {
  uint32_t low, high;
  __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
  return (uint64_t)high << 32 | low;
}

static inline void cpu_write_msr(uint32_t msr, uint64_t value) {
  __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint64_t cpu_counter(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
  return (uint64_t)high << 32 | low;
}

static inline void cpu_pause(void) { __asm__ volatile("pause"); }

/* Drops the processor's cached mapping of a page. */
static inline void cpu_forget_page(uint64_t address) { __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory"); }

/* An interrupt that arrived while interrupts were off wakes the CPU at once. */
static inline void cpu_halt(void) { __asm__ volatile("sti; hlt; cli" ::: "memory"); }

/* An exception without a table of exceptions: the processor resets the machine. */
static inline void cpu_reset(void) {
  static const struct {
    uint16_t limit;
    uint64_t base;
  } __attribute__((packed)) none = {0, 0};
  __asm__ volatile("lidt %0; int3" ::"m"(none));
}

#endif
