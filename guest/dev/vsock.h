/*
 * The invocation channel and the console over a virtio socket device: Firecracker's. The guest listens, the host connects. Source: the
 * Virtio 1.1 specification, section 5.10.
 */
#ifndef EMBER_VSOCK_H
#define EMBER_VSOCK_H

/* Our ports. The host connects to the console's port first, so that it is open before the first output. */
#define VSOCK_PORT_INVOCATIONS 1
#define VSOCK_PORT_CONSOLE 2

/* Opens the socket device, and returns when the host has connected to the port for invocations. Panics when there is none. */
void vsock_init(void);

#endif
