/* A shared folder of the host by 9P, of which this is the transport: a message out, a message back. The shim of `node:fs` knows what is in them. */
#ifndef EMBER_VIRTIO_9P_H
#define EMBER_VIRTIO_9P_H

#include <stdint.h>

/*
 * Sends one message and waits for its answer, of at most `room` bytes. Returns the number of bytes that the device says it has written, or 0
 * when the machine has no such device, which is looked for by the first call. Panics when it does not answer in time (patience.h).
 */
uint32_t virtio_9p_ask(const void *message, uint32_t bytes, void *answer, uint32_t room, uint64_t deadline_ns);

#endif
