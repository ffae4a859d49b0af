/* Memory: how much there is, the window of linear memory, device mappings. */
#ifndef EMBER_PAGES_H
#define EMBER_PAGES_H

#include <stdint.h>

/* Reads the PVH memory map and maps linear memory up to the end of usable RAM. Panics when there is too little. */
void pages_init(uint32_t start_info);

/* The kernel's command line; null without one. `*bytes`: the readable length, whether the text ends there or not. */
const char *pages_command_line(uint32_t *bytes);

/* Bytes of RAM from EMBER_LINEAR_BASE to the end of its usable range, a multiple of 64 KiB, below 4 GiB. */
uint64_t pages_linear_limit(void);

/* Uncached mapping of device memory; the range must not be longer than 2 MiB. Never null: panics when the window is used up. */
volatile void *pages_map_device(uint64_t physical, uint32_t length);

#endif
