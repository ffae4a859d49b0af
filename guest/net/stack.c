#include "stack.h"

#include "../boot/config.h"
#include "../boot/panic.h"
#include "../dev/alone.h"
#include "../dev/clock.h"
#include "../dev/virtio-net.h"
#include "../mm/pages.h"
#include "../rt/random.h"
#include "given.h"
#include "hooks.h"
#include "lease.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "netif/ethernet.h"

#define FRAMES_PER_POLL 64
#define TCP_TICK_MS TCP_TMR_INTERVAL
#define ARP_TICK_MS ARP_TMR_INTERVAL
#define DNS_TICK_MS DNS_TMR_INTERVAL

static struct netif card;
/* 1 when a DHCP server is asked for the addresses. */
static int is_leased;
static uint64_t tcp_due, arp_due, dns_due;

_Noreturn void net_assert(const char *message) { panic("the network: %s", message); }

uint32_t net_random(void) {
  uint32_t number;
  random_bytes(&number, sizeof number);
  return number;
}

uint64_t stack_now_ms(void) { return clock_boot_ns() / 1000000; }

u32_t sys_now(void) { return stack_now_ms(); }

static err_t send_frame(struct netif *netif, struct pbuf *p) {
  (void)netif;
  if (p->tot_len > FRAME_MOST) return ERR_BUF;
  uint8_t *buffer = virtio_net_buffer();
  if (!buffer) return ERR_MEM;
  virtio_net_send(pbuf_copy_partial(p, buffer, p->tot_len, 0));
  return ERR_OK;
}

static err_t open_card(struct netif *netif) {
  memcpy(netif->hwaddr, virtio_net_address(), 6);
  netif->hwaddr_len = 6;
  netif->mtu = 1500;
  netif->name[0] = 'e';
  netif->name[1] = 'n';
  netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
  netif->output = etharp_output;
  netif->linkoutput = send_frame;
  return ERR_OK;
}

int stack_open(void) {
  if (!virtio_net_init()) return 0;
  lwip_init();
  const struct ember_config *c = config();
  struct given given = {c->address, c->gateway, c->netmask};
  uint32_t bytes;
  const char *text = is_alone() ? pages_command_line(&bytes) : 0;
  if (text) given_read(text, bytes, &given);
  ip4_addr_t address = {given.address}, netmask = {given.netmask}, gateway = {given.gateway};
  netif_add(&card, &address, &netmask, &gateway, 0, open_card, ethernet_input);
  netif_set_default(&card);
  netif_set_up(&card);
  is_leased = !given.address;
  if (is_leased) {
    lease_begin(&card);
    return 1;
  }
  if (c->nameserver) dns_setserver(0, &(ip_addr_t){c->nameserver});
  /* Everything comes by way of the gateway: its address is asked for now, and not when the first client waits for an answer. */
  etharp_request(&card, &gateway);
  return 1;
}

int stack_has_frame(void) { return virtio_net_has_frame(); }

int stack_has_address(void) { return netif_ip4_addr(&card)->addr != 0; }

uint64_t stack_due_ms(void) {
  uint64_t lease = lease_due_ms(), tick = stack_now_ms() + TCP_TICK_MS;
  return tcp_active_pcbs && tick < lease ? tick : lease;
}

void stack_flush(void) { virtio_net_flush(); }

/* Copies a frame into a buffer of its size: what arrives in many small pieces takes no more memory than it has bytes. */
static void take_frame(const uint8_t *frame, uint32_t length) {
  struct pbuf *p = pbuf_alloc(PBUF_RAW, length, PBUF_RAM);
  /* Without memory the frame is lost, and its sender repeats it. */
  if (!p) return;
  memcpy(p->payload, frame, length);
  if (is_leased) lease_input(p);
  else if (card.input(p, &card) != ERR_OK) pbuf_free(p);
}

void stack_poll(void) {
  const uint8_t *frame;
  uint32_t length;
  for (int i = 0; i < FRAMES_PER_POLL && (length = virtio_net_receive(&frame)) > 0; i++) take_frame(frame, length);
  uint64_t now = stack_now_ms();
  if (now >= tcp_due) {
    tcp_tmr();
    tcp_due = now + TCP_TICK_MS;
  }
  if (now >= arp_due) {
    etharp_tmr();
    arp_due = now + ARP_TICK_MS;
  }
  if (now >= dns_due) {
    dns_tmr();
    dns_due = now + DNS_TICK_MS;
  }
  lease_poll(now);
  virtio_net_flush();
}
