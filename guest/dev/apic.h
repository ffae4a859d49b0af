/* The local APIC: message interrupts, the one-shot timer, and sleep. Interrupts are on only inside `cpu_sleep`. */
#ifndef EMBER_APIC_H
#define EMBER_APIC_H

#include <stdint.h>

void apic_init(void);

/* What a device writes, and where, to raise EMBER_VECTOR_DEVICE. */
uint64_t apic_message_address(void);
uint32_t apic_message_data(void);

/* Halts until an interrupt; one that came since interrupts were last off wakes at once. */
void cpu_sleep(void);

/* As `cpu_sleep`, and wakes after `ns` at the latest. */
void cpu_sleep_for(uint64_t ns);

/* Nanoseconds since `apic_init` or `apic_restart_count` by the timer's own count; 0 once it has run out (68 s) or was used for a sleep. */
uint64_t apic_elapsed_ns(void);

/* Starts that count again from zero. */
void apic_restart_count(void);

#endif
