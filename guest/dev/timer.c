#include "timer.h"

#include "../boot/layout.h"
#include "../boot/panic.h"
#include "../kernel/calls.h"

#define COUNT_START 0xffffffff
/* Bits of the acknowledge register: a queue was used, the configuration has changed. */
#define INTERRUPT_CAUSES 3
/* A driver opens one device. */
#define DEVICES_MOST 4

static uint64_t message_address;
static int counting;
static volatile uint32_t *acknowledges[DEVICES_MOST];
static int acknowledge_count;

void timer_init(uint32_t apic_id) { message_address = EMBER_APIC_PHYSICAL | (uint64_t)apic_id << 12; }

uint64_t interrupt_message_address(void) { return message_address; }
uint32_t interrupt_message_data(void) { return EMBER_VECTOR_DEVICE; }

void interrupt_acknowledge_by(volatile uint32_t *reg) {
  if (acknowledge_count == DEVICES_MOST) panic("more than %d virtio devices are open", DEVICES_MOST);
  acknowledges[acknowledge_count++] = reg;
}

static void sleep(uint64_t ticks) {
  call_kernel(CALL_SLEEP, ticks, 0);
  /* This comes before the driver reads the queues: a device that keeps its line high until then interrupts again. */
  for (int i = 0; i < acknowledge_count; i++) *acknowledges[i] = INTERRUPT_CAUSES;
}

void cpu_sleep(void) { sleep(0); }

void cpu_sleep_for(uint64_t ns) {
  uint64_t ticks = ns / TIMER_NS_PER_TICK + 1;
  counting = 0;
  sleep(ticks > COUNT_START ? COUNT_START : ticks);
}

int timer_read(struct timer_sample *sample) {
  if (!counting) return 0;
  struct call_result result = kernel_call_with_time(CALL_TIMER_READ, 0, 0);
  if (result.value == 0) return 0;
  *sample = (struct timer_sample){result.time, (COUNT_START - result.value) * TIMER_NS_PER_TICK};
  return 1;
}

void timer_restart(void) {
  call_kernel(CALL_TIMER_START, 0, 0);
  counting = 1;
}
