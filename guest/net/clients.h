/* The clients of the function's ports: HTTP/1.1 connections, their deadlines and their memory. */
#ifndef EMBER_NET_CLIENTS_H
#define EMBER_NET_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>
#include "../http/http.h"
#include "lwip/tcp.h"
#include "sizes.h"

/*
 * DRAINING: the answer was the last one; what the client still sends is passed over, since a reset would make it lose the answer.
 * TO_CLOSE and TO_ABORT: lwIP may not be asked for that inside its own calls.
 */
enum phase { FREE, READING, WAITING, SERVED, WRITING, DRAINING, TO_CLOSE, TO_ABORT };

struct client {
  enum phase phase;
  struct tcp_pcb *pcb;
  struct request request;
  /* Bytes that the request's memory is counted with. */
  size_t reserved;
  struct buffer out;
  /* Bytes that lwIP sends before the answer. */
  size_t uncounted;
  /* Bytes of `out` given to lwIP, and bytes that the client has acknowledged. */
  size_t given, taken;
  /* What has arrived behind the request. */
  struct pbuf *rest;
  uint64_t touched_ms, began_ms, turn;
  struct answer_form form;
  /* The client has sent its last byte. */
  bool is_half_closed;
  bool has_answered;
};

extern struct client clients[NET_CLIENTS_MOST];

/* The client whose request is being served; null when it has gone. */
extern struct client *client_served;

/* Takes a connection: what a listening port of lwIP calls. */
err_t client_accept(void *arg, struct tcp_pcb *, err_t);

/* The client whose whole request has waited longest; null when none waits. */
struct client *client_first_waiting(void);

/* Frees the request's memory. */
void client_drop_request(struct client *);

/* Sends what is in `out`. */
void client_answer(struct client *);

/* Sends an answer of the server's own, after which the connection ends. */
void client_refuse(struct client *, int status, const char *why);

/* Closes the connections that have ended. Not for lwIP's callbacks. */
void clients_sweep(void);

/* Ends the clients that are too slow, and lets those go on that waited for memory. */
void clients_look_after(uint64_t now_ms);

/* Bytes that count as taken by requests. */
size_t clients_reserved_bytes(void);

#endif
