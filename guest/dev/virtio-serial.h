/* The invocation channel over a multiport virtio console on PCI: QEMU's. */
#ifndef EMBER_VIRTIO_SERIAL_H
#define EMBER_VIRTIO_SERIAL_H

/* Finds the console device and opens its port for invocations. Panics with the name of the missing part when there is none. */
void virtio_serial_init(void);

#endif
