/* In place of dev/registers.h: a device that the test plays. */
#define EMBER_REGISTERS_H

#include <stdint.h>

uint32_t register_read(volatile uint8_t *registers, uint32_t at);
void register_write(volatile uint8_t *registers, uint32_t at, uint32_t value);
