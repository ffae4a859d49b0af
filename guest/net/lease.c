#include "lease.h"

#include <stdbool.h>

#include "../boot/config.h"
#include "../boot/panic.h"
#include "../dev/alone.h"
#include "../rt/format.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/prot/dhcp.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip4.h"
#include "stack.h"

#define NEVER UINT64_MAX
/* lwIP asks twice whether another machine has the address, and waits for an answer each time: half a second by itself, long for a network inside one machine. */
#define CHECK_MS 50
/* Without an address for this long, the console says why. A guest on its own, which nobody reaches otherwise, ends after more. */
#define REPORT_MS 10000
#define ALONE_MS 30000
/* The time until the next attempt after a refusal doubles from the one to the other. */
#define RETRY_LEAST_MS 1000
#define RETRY_MOST_MS 64000
/* A shorter lease is taken for this long. */
#define LEASE_LEAST_MS 10000
/* Connections that are opened as soon as the machine runs: the first segment of each. */
#define HELD_MOST 32

enum fault { NO_ANSWER, REFUSED, TAKEN, UNUSABLE };

static struct netif *card;
static struct dhcp dhcp;
/* lwIP's state when it was last looked at. */
static uint8_t seen;
static uint64_t fine_due, tick_due, tick_ms, renew_due = NEVER, retry_due = NEVER, retry_ms, without_since;
static bool is_reported;
static enum fault fault;
static ip4_addr_t faulty;
static struct pbuf *held[HELD_MOST];
static int held_count;

static void start(void) {
  retry_due = NEVER;
  if (dhcp_start(card) != ERR_OK) retry_due = stack_now_ms() + RETRY_LEAST_MS;
  seen = dhcp.state;
  fine_due = stack_now_ms() + DHCP_FINE_TIMER_MSECS;
}

void lease_begin(struct netif *netif) {
  card = netif;
  without_since = stack_now_ms();
  retry_ms = RETRY_LEAST_MS;
  dhcp_set_struct(netif, &dhcp);
  start();
}

static void drop_held(void) {
  while (held_count > 0) pbuf_free(held[--held_count]);
}

/* The server's own faults: a server that always refuses would otherwise be asked as fast as it answers. */
static void give_up(enum fault what, uint64_t now) {
  fault = what;
  faulty = dhcp.offered_ip_addr;
  if (dhcp_supplied_address(card)) without_since = now;
  drop_held();
  dhcp_release_and_stop(card);
  retry_due = now + retry_ms;
  retry_ms = retry_ms * 2 < RETRY_MOST_MS ? retry_ms * 2 : RETRY_MOST_MS;
}

/* An address of one machine, with a mask of which it is neither the first address nor the last. */
static bool is_usable(uint32_t address, uint32_t mask) {
  uint32_t first = address >> 24, rest = ~mask;
  if (first == 0 || first == 127 || first >= 224 || (rest & (rest + 1)) != 0) return false;
  return rest <= 1 || ((address & rest) != 0 && (address & rest) != rest);
}

static void pass_held(void) {
  for (int i = 0; i < held_count; i++) {
    if (card->input(held[i], card) != ERR_OK) pbuf_free(held[i]);
  }
  held_count = 0;
}

static void begin_lease(uint64_t now) {
  if (!is_usable(lwip_ntohl(netif_ip4_addr(card)->addr), lwip_ntohl(netif_ip4_netmask(card)->addr))) {
    give_up(UNUSABLE, now);
    return;
  }
  retry_ms = RETRY_LEAST_MS;
  fault = NO_ANSWER;
  is_reported = false;
  /* lwIP counts leases in whole minutes, which it rounds and cuts at 45 days: a tick here is the part of the lease that it takes for one. */
  uint64_t lease_ms = (uint64_t)dhcp.offered_t0_lease * 1000;
  if (lease_ms < LEASE_LEAST_MS) lease_ms = LEASE_LEAST_MS;
  tick_ms = dhcp.t0_timeout ? lease_ms / dhcp.t0_timeout : 0;
  /* A lease without an end has no ticks. */
  tick_due = dhcp.t0_timeout ? now + tick_ms : NEVER;
  /* Of so short a lease lwIP would find the end first. */
  renew_due = dhcp.t0_timeout && dhcp.t1_renew_time >= dhcp.t0_timeout ? now + lease_ms / 2 : NEVER;
  if (config()->nameserver) dns_setserver(0, &(ip_addr_t){config()->nameserver});
  if (netif_ip4_gw(card)->addr) etharp_request(card, netif_ip4_gw(card));
  pass_held();
}

/* Looks at what lwIP has made of a frame or of a timer. */
static void look(uint64_t now, bool is_frame) {
  uint8_t before = seen;
  seen = dhcp.state;
  if (seen == before) return;
  bool had_lease = before == DHCP_STATE_BOUND || before == DHCP_STATE_RENEWING || before == DHCP_STATE_REBINDING;
  if (had_lease && !dhcp_supplied_address(card)) without_since = now;
  if (seen == DHCP_STATE_CHECKING) fine_due = now + CHECK_MS;
  else if (seen == DHCP_STATE_BOUND) begin_lease(now);
  else if (seen == DHCP_STATE_BACKING_OFF) {
    fault = TAKEN;
    faulty = dhcp.offered_ip_addr;
    drop_held();
  } else if (seen == DHCP_STATE_SELECTING) {
    drop_held();
    if (is_frame) give_up(REFUSED, now);
  } else if (seen == DHCP_STATE_OFF && retry_due == NEVER) {
    /* lwIP had no memory for another start. */
    retry_due = now + RETRY_LEAST_MS;
  }
  seen = dhcp.state;
}

/*
 * 1 for a frame to the address that is about to be ours. Whoever sent it would wait seconds before sending it again: QEMU sends a
 * connection's first one right before the DHCP server's offer, since that tells it where the address is.
 */
static bool is_early(const struct pbuf *p) {
  if (dhcp.state != DHCP_STATE_SELECTING && dhcp.state != DHCP_STATE_REQUESTING && dhcp.state != DHCP_STATE_CHECKING) return false;
  if (p->len < SIZEOF_ETH_HDR + IP_HLEN) return false;
  const uint8_t *frame = p->payload;
  const struct ip_hdr *ip = (const struct ip_hdr *)(frame + SIZEOF_ETH_HDR);
  return frame[12] == 8 && frame[13] == 0 && ip->_proto == IP_PROTO_TCP;
}

void lease_input(struct pbuf *p) {
  if (is_early(p) && held_count < HELD_MOST) {
    held[held_count++] = p;
    return;
  }
  if (card->input(p, card) != ERR_OK) pbuf_free(p);
  look(stack_now_ms(), true);
}

static void report(uint64_t now) {
  static const char *const words[] = {
      "no DHCP server has answered", "the DHCP server refuses what it has offered", "another machine has the DHCP server's address",
      "the DHCP server gives an address or a netmask that no machine can have",
  };
  const uint8_t *at = (const uint8_t *)&faulty.addr;
  char address[20] = "";
  if (fault == TAKEN || fault == UNUSABLE) format_words(address, sizeof address, ", %d.%d.%d.%d", at[0], at[1], at[2], at[3]);
  if (is_alone()) panic("the network has no address after %d s: %s%s", (int)((now - without_since) / 1000), words[fault], address);
  is_reported = true;
  kprintf("network: no address after %d s: %s%s. The function is not reached by its ports, and its fetch fails. "
          "Ember goes on asking; \"address\": \"fixed\" under \"network\" in firstlight.json needs no DHCP server.\n",
          (int)((now - without_since) / 1000), words[fault], address);
}

static uint64_t report_due(void) {
  if (dhcp_supplied_address(card) || is_reported) return NEVER;
  return without_since + (is_alone() ? ALONE_MS : REPORT_MS);
}

static uint64_t next_fine(void) { return dhcp.request_timeout > 0 ? fine_due : NEVER; }

static uint64_t next_tick(void) { return dhcp_supplied_address(card) ? tick_due : NEVER; }

void lease_poll(uint64_t now) {
  if (!card) return;
  if (now >= retry_due) start();
  if (now >= next_fine()) {
    uint8_t tries = dhcp.tries;
    dhcp_fine_tmr();
    /* Nobody has answered in time: what has waited since then is not waited for any more. */
    if (dhcp.state == DHCP_STATE_SELECTING && dhcp.tries != tries) drop_held();
    look(now, false);
    fine_due = now + (dhcp.state == DHCP_STATE_CHECKING ? CHECK_MS : DHCP_FINE_TIMER_MSECS);
  }
  if (now >= renew_due && dhcp_supplied_address(card)) {
    renew_due = NEVER;
    dhcp_renew(card);
    look(now, false);
  }
  if (now >= next_tick()) {
    tick_due += tick_ms;
    dhcp_coarse_tmr();
    look(now, false);
  }
  if (now >= report_due()) report(now);
}

uint64_t lease_due_ms(void) {
  if (!card) return NEVER;
  const uint64_t all[] = {retry_due, next_fine(), next_tick(), dhcp_supplied_address(card) ? renew_due : NEVER, report_due()};
  uint64_t first = NEVER;
  for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) first = all[i] < first ? all[i] : first;
  return first;
}
