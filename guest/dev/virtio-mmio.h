/* Virtio devices whose registers lie in memory, without PCI: Firecracker's. The kernel's command line contains their addresses. */
#ifndef EMBER_VIRTIO_MMIO_H
#define EMBER_VIRTIO_MMIO_H

#include "virtio.h"

/* The address of a device, and the line of the I/O APIC for its interrupts. */
struct mmio_place {
  uint64_t address;
  uint32_t line;
};

/*
 * The devices that a command line names, as Linux reads it: `virtio_mmio.device=<size>@<address>:<line>`. Malformed words are skipped.
 * `text` ends at its first zero, or after `bytes`. Returns how many there are, at most `most`.
 */
int mmio_places(const char *text, uint32_t bytes, struct mmio_place *, int most);

/* Resets the device at this place and negotiates VERSION_1. Returns 1, or 0 when the type differs; panics when it is not a virtio-mmio device. */
int virtio_mmio_open(struct virtio_device *, struct mmio_place, uint32_t device_type);

#endif
