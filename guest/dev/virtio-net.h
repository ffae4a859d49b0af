/* A network card: whole Ethernet frames in and out. */
#ifndef EMBER_VIRTIO_NET_H
#define EMBER_VIRTIO_NET_H

#include <stdint.h>

/* The longest Ethernet frame, without its checksum. */
#define FRAME_MOST 1514

/* Opens the first network card. Returns 1, or 0 when the machine has none; panics when it has one that cannot be used. */
int virtio_net_init(void);

/* Six bytes. */
const uint8_t *virtio_net_address(void);

/* 1 when a frame has arrived; reads memory only. */
int virtio_net_has_frame(void);

/* The next frame, valid until the next call. Its length, or 0 when none has arrived; frames of a wrong length are skipped. */
uint32_t virtio_net_receive(const uint8_t **frame);

/* A buffer of FRAME_MOST bytes for the next frame to send; null when the card has taken none of the earlier ones for a while. */
uint8_t *virtio_net_buffer(void);

/* Sends the buffer's first `length` bytes, once `virtio_net_flush` is called. */
void virtio_net_send(uint32_t length);

/* Notifies the card of all frames since the last call, and of the buffers that it can fill again. */
void virtio_net_flush(void);

#endif
