/* The registers of a device in memory. Each access is a VM exit. The tests of virtio-mmio.c replace them. */
#ifndef EMBER_REGISTERS_H
#define EMBER_REGISTERS_H

#include <stdint.h>

static inline uint32_t register_read(volatile uint8_t *registers, uint32_t at) { return *(volatile uint32_t *)(registers + at); }
static inline void register_write(volatile uint8_t *registers, uint32_t at, uint32_t value) { *(volatile uint32_t *)(registers + at) = value; }

#endif
