/*
 * The calls by which ring 3 reaches ring 0. Arguments and results are numbers, never pointers: ring 0 touches no memory of ring 3.
 * Each call checks all of its arguments, and changes nothing when it refuses them.
 */
#ifndef EMBER_CALLS_H
#define EMBER_CALLS_H

#include <stdint.h>

enum kernel_call {
  CALL_PCI_READ,        /* (address): the word of configuration space */
  CALL_PCI_WRITE,       /* (address, word) */
  CALL_SERIAL_WRITE,    /* (bytes, count): up to 8 bytes to COM1, the lowest first */
  CALL_TIMER_START,     /* (): the APIC's timer counts down from 2^32 - 1, without an interrupt */
  CALL_TIMER_READ,      /* (): the timer's count, and the time stamp counter at that instant */
  CALL_SLEEP,           /* (ticks): halts until an interrupt, which the timer gives after that many ticks; 0: the timer is unchanged */
  CALL_MAP_DEVICE,      /* (physical address of a 2 MiB page above 4 GiB): its virtual address */
  CALL_SET_MEMORY_END,  /* (address): maps linear memory up to this address, in pages of 2 MiB, and no further */
  CALL_ROUTE_INTERRUPT, /* (line of the I/O APIC): each rising edge of it interrupts this CPU, as EMBER_VECTOR_DEVICE */
  CALL_RTC_READ,        /* (register, 0 to 13): its byte, of the machine's clock */
  CALL_POWER_OFF,       /* (): does not return */
  CALL_COUNT
};

/* The value of a refused call. No call has it as a result. */
#define CALL_REFUSED UINT64_MAX

/* Only CALL_TIMER_READ sets `time`. */
struct call_result {
  uint64_t value, time;
};

/* One tick of the APIC's timer: QEMU and KVM run it at 1 GHz before division (KVM: APIC_BUS_CYCLE_NS 1), and it is divided by 16. */
#define TIMER_NS_PER_TICK 16

/*
 * Ring 3's side. `int3` is an exception, which every CPU and KVM delivers; it costs 21 us where ring 0 is interpreted (`ud2`: 26), a
 * fraction of one elsewhere. `int 0x80` and `syscall` do not arrive there.
 */
static inline struct call_result kernel_call_with_time(enum kernel_call call, uint64_t first, uint64_t second) {
  struct call_result result;
  uint64_t number = call;
  __asm__ volatile("int3"
                   : "=a"(result.value), "=d"(result.time), "+D"(number), "+S"(first)
                   : "d"(second)
                   : "rcx", "r8", "r9", "r10", "r11", "cc", "memory");
  return result;
}

static inline uint64_t call_kernel(enum kernel_call call, uint64_t first, uint64_t second) {
  return kernel_call_with_time(call, first, second).value;
}

#endif
