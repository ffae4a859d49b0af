/* The invocation channel: the port named EMBER_PORT_NAME of a multiport virtio console. */
#ifndef EMBER_VIRTIO_SERIAL_H
#define EMBER_VIRTIO_SERIAL_H

#include <stddef.h>
#include <stdint.h>
#include "virtio.h"

#define EMBER_PORT_NAME "dev.firstlight.invoke.0"
/* The port for what a function prints. It may be absent. */
#define EMBER_CONSOLE_NAME "dev.firstlight.console.0"

/* Finds the console device and opens the port. Panics, naming what is missing, when there is none. */
void virtio_serial_init(void);

/* Copies at most `count` received bytes; 0 when none have come. */
size_t channel_read(void *to, size_t count);

/* 1 when `channel_read` would return something. */
int channel_readable(void);

/* Sends pieces in order, and returns when the host has taken them. At most QUEUE_MAX pieces. */
void channel_send(const struct iovec *pieces, int count);

/* The same without waiting for the host: what the pieces point to must stay as it is until the next send begins. */
void channel_post(const struct iovec *pieces, int count);

/* 1 once the port is open. */
int channel_open(void);

/* Opens the console port, and returns its queue to the host; 0 when there is no such port. Call it once it is needed: opening takes time. */
struct virtq *console_queue(void);

#endif
