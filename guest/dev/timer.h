/* Sleep, the APIC's timer, and the interrupts of devices: all use calls of ring 0. Interrupts are on only inside `cpu_sleep`. */
#ifndef EMBER_TIMER_H
#define EMBER_TIMER_H

#include <stdint.h>

/* `apic_id`: number of this CPU's APIC. */
void timer_init(uint32_t apic_id);

/* The value and the address that a device writes to raise EMBER_VECTOR_DEVICE. */
uint64_t interrupt_message_address(void);
uint32_t interrupt_message_data(void);

/* A register that acknowledges the interrupts of a virtio-mmio device; all of them are written after each sleep. */
void interrupt_acknowledge_by(volatile uint32_t *);

/* Halts until an interrupt; one that arrived while interrupts were off wakes the CPU at once. */
void cpu_sleep(void);

/* Sleeps like `cpu_sleep`, for at most `ns`. */
void cpu_sleep_for(uint64_t ns);

/* One instant on both clocks: the time stamp counter, and nanoseconds by the timer's own count since its start. */
struct timer_sample {
  uint64_t tsc, ns;
};

/* Returns 1, or 0 once the timer has run out (68 s) or was used for a sleep. */
int timer_read(struct timer_sample *);

/* Starts the timer's count again from zero. */
void timer_restart(void);

#endif
