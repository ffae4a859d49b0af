/* Virtio devices on PCI, by their modern interface and MSI-X. */
#ifndef EMBER_VIRTIO_PCI_H
#define EMBER_VIRTIO_PCI_H

#include "virtio.h"

/* 1 when there is a device of this type. */
int virtio_pci_has(uint16_t device_type);

/* Finds and resets the device, and negotiates VERSION_1 and the wanted features. Returns 1, or 0 when it refuses; panics without one. */
int virtio_pci_open(struct virtio_device *, uint16_t device_type, uint32_t wanted_low_features);

#endif
