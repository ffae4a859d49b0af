/* The privileged instructions, simulated by the test: its own include guard leaves out kernel/cpu.h. */
#define EMBER_CPU_H
#include <stdint.h>
#include "../../boot/layout.h"

void outb(uint16_t port, uint8_t value);
void outw(uint16_t port, uint16_t value);
void outl(uint16_t port, uint32_t value);
uint8_t inb(uint16_t port);
uint32_t inl(uint16_t port);
uint32_t apic_read(uint32_t reg);
void apic_write(uint32_t reg, uint32_t value);
void ioapic_write(uint32_t reg, uint32_t value);
uint64_t cpu_read_msr(uint32_t msr);
void cpu_write_msr(uint32_t msr, uint64_t value);
uint64_t cpu_counter(void);
void cpu_pause(void);
void cpu_forget_page(uint64_t address);
void cpu_halt(void);
_Noreturn void cpu_reset(void);
