/* The invocation channel over a multiport virtio console on PCI: QEMU's. */
#ifndef EMBER_VIRTIO_SERIAL_H
#define EMBER_VIRTIO_SERIAL_H

/* Finds the console device and opens its port for invocations. Panics, naming what is missing, when there is none. */
void virtio_serial_init(void);

#endif
