/* Virtio devices on PCI, by their modern interface and MSI-X. */
#ifndef EMBER_VIRTIO_PCI_H
#define EMBER_VIRTIO_PCI_H

#include "virtio.h"

extern const struct virtio_transport virtio_pci;

#endif
