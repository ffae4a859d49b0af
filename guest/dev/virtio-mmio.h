/*
 * Virtio devices whose registers lie in memory, without PCI: Firecracker's, and those of QEMU's microvm. The kernel's command line contains
 * their addresses.
 */
#ifndef EMBER_VIRTIO_MMIO_H
#define EMBER_VIRTIO_MMIO_H

#include "virtio.h"

/* A device for each line of the I/O APIC. */
#define MMIO_DEVICES_MOST 24

/*
 * Finds the devices that a command line names, as Linux reads it: `virtio_mmio.device=<size>@<address>:<line>`. Malformed words are skipped,
 * and so are devices after the first MMIO_DEVICES_MOST. `text` ends at its first zero, or after `bytes`. Returns how many there are; touches
 * none of them.
 */
int virtio_mmio_find(const char *text, uint32_t bytes);

/* The devices found. */
extern const struct virtio_transport virtio_mmio;

#endif
