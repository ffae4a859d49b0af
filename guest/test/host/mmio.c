/* The virtio-mmio devices that a command line names, in every notation, and the devices themselves: right ones, and ones that lie. */
#define _GNU_SOURCE
#include "../../dev/virtio-mmio.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include "../../kernel/calls.h"
#include "check.h"

#define MAGIC 0x74726976
#define DEVICES 32
enum { MAGIC_VALUE = 0, DEVICE_VERSION = 4, DEVICE_ID = 8, FEATURES = 0x10, FEATURES_SELECT = 0x14, DRIVER_FEATURES = 0x20, DRIVER_SELECT = 0x24, QUEUE_SELECT = 0x30, QUEUE_MOST = 0x34, QUEUE_SIZE = 0x38, QUEUE_READY = 0x44, ACKNOWLEDGE = 0x64, STATUS = 0x70, QUEUE_DESC = 0x80, REGISTERS = 0x200 };

static jmp_buf panicked;
static char words[256];
_Noreturn void panic(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  longjmp(panicked, 1);
}

/* --- the devices, one at each address that was mapped --- */

static struct device {
  uint64_t address;
  uint32_t registers[REGISTERS / 4];
  uint32_t features, driver_features[2], queue_most;
  int accesses, is_stubborn, mistakes;
} devices[DEVICES];
static int device_count, maps_wrong;
static volatile uint32_t *acknowledged;
static uint64_t routed;
/* 1 while every register reads as a random number. */
static int is_random;
static uint64_t state = 88172645463325252ull;

static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static struct device *device_at(uint64_t address) {
  for (int i = 0; i < device_count; i++) {
    if (devices[i].address == address) return &devices[i];
  }
  struct device *d = &devices[device_count++ % DEVICES];
  *d = (struct device){.address = address, .queue_most = 256};
  d->registers[MAGIC_VALUE / 4] = MAGIC;
  d->registers[DEVICE_VERSION / 4] = 2;
  return d;
}

volatile void *pages_map_device(uint64_t physical, uint32_t length) {
  maps_wrong += length != REGISTERS || physical % REGISTERS != 0;
  return device_at(physical)->registers;
}
void interrupt_acknowledge_by(volatile uint32_t *reg) { acknowledged = reg; }

static struct device *device_of(volatile uint8_t *registers) {
  return (struct device *)((uint8_t *)registers - __builtin_offsetof(struct device, registers));
}

uint32_t register_read(volatile uint8_t *registers, uint32_t at) {
  struct device *d = device_of(registers);
  d->accesses++;
  if (at % 4 != 0 || at >= REGISTERS) abort();
  /* A device that never ends its reset can only be waited for. */
  if (is_random && at != STATUS) return next() % 4 ? (uint32_t)next() : d->registers[at / 4];
  if (at == FEATURES) return d->registers[FEATURES_SELECT / 4] == 0 ? d->features : 1;
  if (at == QUEUE_MOST) return d->registers[QUEUE_SELECT / 4] < 3 ? d->queue_most : 0;
  return d->registers[at / 4];
}

void register_write(volatile uint8_t *registers, uint32_t at, uint32_t value) {
  struct device *d = device_of(registers);
  d->accesses++;
  if (at % 4 != 0 || at >= REGISTERS) abort();
  uint32_t before = d->registers[STATUS / 4];
  /* As Firecracker has it: one more bit at each step. */
  if (at == STATUS && value != 0) d->mistakes += (value & before) != before || __builtin_popcount(value ^ before) != 1;
  if (at == DRIVER_FEATURES) {
    d->mistakes += before != 3;
    d->driver_features[d->registers[DRIVER_SELECT / 4] & 1] = value;
  }
  if (at == QUEUE_READY) d->mistakes += before != 11;
  if (at == STATUS && (value & 8) && d->is_stubborn) value &= ~8u;
  d->registers[at / 4] = value;
}

/* Ring 0: the call's registers, as kernel/traps.S has them. */
static void answer_call(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
  if (regs[REG_RDI] != CALL_ROUTE_INTERRUPT) abort();
  routed = regs[REG_RSI];
  regs[REG_RAX] = routed < 24 ? 0 : CALL_REFUSED;
}

/* --- command lines --- */

static int read_places(const char *text) {
  /* Uses memory of exactly its size, so that the sanitizer reports a read of one byte too many. */
  size_t bytes = strlen(text);
  char *copy = malloc(bytes + 1);
  memcpy(copy, text, bytes);
  int count = virtio_mmio_find(copy, bytes);
  free(copy);
  return count;
}

static int is_refused(const char *text) { return read_places(text) == 0; }

/* The place at which the only named device is looked for. */
static uint64_t place_of(const char *text) {
  device_count = 0;
  if (read_places(text) != 1) return 0;
  virtio_mmio.has(1);
  return device_count == 1 ? devices[0].address : 0;
}

static void test_command_lines(void) {
  CHECK(place_of("reboot=k virtio_mmio.device=4K@0xc0001000:5") == 0xc0001000, "Firecracker's form is read");
  CHECK(place_of("virtio_mmio.device=512@0xfeb00e00:12") == 0xfeb00e00, "and that of QEMU's microvm");
  CHECK(place_of("quiet  virtio_mmio.device=8K@3221229568:6:3 quiet") == 0xc0001000, "so are decimal addresses, and ids");
  char many[64 * 40] = "";
  for (int i = 0; i < 40; i++) sprintf(many + strlen(many), " virtio_mmio.device=4K@0xc00%02x000:5", i);
  CHECK(read_places(many) == MMIO_DEVICES_MOST, "no more than there is room for");
  CHECK(virtio_mmio_find("quiet\0virtio_mmio.device=4K@0x1000:1", 40) == 0, "the text ends at its first zero");
  CHECK(is_refused("") && is_refused("virtio_mmio.device=") && is_refused("virtio_mmio.device=4K") && is_refused("virtio_mmio.device=4K@") &&
            is_refused("virtio_mmio.device=4K@0x1000") && is_refused("virtio_mmio.device=@0x1000:5"),
        "half of one is none");
  CHECK(is_refused("virtio_mmio.device=511@0x1000:5") && is_refused("virtio_mmio.device=4K@0x1004:5") && is_refused("virtio_mmio.device=4K@0x1000:256") &&
            is_refused("virtio_mmio.device=4K@0x1000:5x") && is_refused("xvirtio_mmio.device=4K@0x1000:5"),
        "nor is one that is too small, out of line, or something else");

  static const char alphabet[] = "0123456789abcdefxK@: =virtio_mmio.device";
  int sound = 1;
  for (int round = 0; round < 200000; round++) {
    char text[64] = "virtio_mmio.device=";
    size_t length = round % 2 ? strlen(text) : 0;
    for (; length < 63; length++) text[length] = alphabet[next() % (sizeof alphabet - 1)];
    text[1 + next() % 62] = 0;
    int count = read_places(text);
    sound &= count >= 0 && count <= 2;
    device_count = 0;
    virtio_mmio.has(1);
    sound &= device_count <= count;
  }
  CHECK(sound && maps_wrong == 0, "no command line leads out of it");
}

/* --- devices --- */

static const char three[] = "virtio_mmio.device=4K@0xc0001000:5 virtio_mmio.device=4K@0xc0002000:6 virtio_mmio.device=4K@0xc0003000:7";

/* Three devices: a disk, a card and a socket, as Firecracker has them. */
static struct virtio_device opened;
static struct virtq q;
static void set_up(void) {
  static const uint32_t types[] = {VIRTIO_BLK, VIRTIO_NET, VIRTIO_VSOCK};
  device_count = 0;
  read_places(three);
  for (int i = 0; i < 3; i++) {
    struct device *d = device_at(0xc0001000 + 0x1000 * i);
    d->registers[DEVICE_ID / 4] = types[i];
    d->features = 1u << 5;
  }
  memset(&q, 0, sizeof q);
  acknowledged = 0;
  routed = ~0ull;
}

/* 1 when opening it ends in a panic with these words. */
static int panics(uint16_t type, const char *wanted) {
  if (setjmp(panicked) != 0) return strstr(words, wanted) != 0;
  virtio_mmio.open(&opened, type, 0);
  return 0;
}

static void test_devices(void) {
  set_up();
  CHECK(virtio_mmio.has(VIRTIO_VSOCK) && virtio_mmio.has(VIRTIO_BLK) && !virtio_mmio.has(VIRTIO_CONSOLE), "devices are found by their type");
  CHECK(devices[0].accesses == 1 && devices[1].accesses == 1 && devices[2].accesses == 1, "which is read once");
  CHECK(virtio_mmio.open(&opened, VIRTIO_VSOCK, 0) && devices[0].accesses == 1 && devices[1].accesses == 1, "a device opens, and the others are left alone");
  CHECK(routed == 7 && acknowledged == &devices[2].registers[ACKNOWLEDGE / 4], "its interrupt is routed, and acknowledged at the device");
  CHECK(devices[2].driver_features[0] == 0 && devices[2].driver_features[1] == 1, "version 1 is all that it is asked for");
  CHECK(virtio_mmio.queue(&opened, &q, 1) && q.size == QUEUE_MAX && q.number == 1 && devices[2].registers[QUEUE_DESC / 4] == (uint32_t)(uint64_t)q.desc, "a queue is set up");
  CHECK((volatile uint8_t *)q.notify_mmio == opened.registers + 0x50 && !q.notify, "its bell is the device's");
  CHECK(!virtio_mmio.queue(&opened, &q, 3), "a queue that is not there is none");
  CHECK(devices[2].registers[STATUS / 4] == 11 && (virtio_mmio.start(&opened), devices[2].registers[STATUS / 4] == 15), "the driver starts");

  CHECK(virtio_mmio.open(&opened, VIRTIO_NET, 1u << 5) && devices[1].driver_features[0] == 1u << 5, "a feature that is wanted is negotiated");
  CHECK(opened.config == (uint8_t *)devices[1].registers + 0x100 && routed == 6, "the device's own registers lie behind those of the transport");
  CHECK(virtio_mmio.open(&opened, VIRTIO_BLK, 1u << 6) == 0, "one that the device lacks is refused");
  devices[1].registers[STATUS / 4] = 15;
  CHECK(virtio_mmio.open(&opened, VIRTIO_NET, 0) == 1, "a device that firmware has used is reset");
  devices[0].is_stubborn = 1;
  devices[0].registers[STATUS / 4] = 0;
  CHECK(virtio_mmio.open(&opened, VIRTIO_BLK, 0) == 0, "a device that does not take the features is refused");
  CHECK(devices[0].mistakes + devices[1].mistakes + devices[2].mistakes == 0, "Firecracker takes every step");

  set_up();
  devices[0].queue_most = 8;
  virtio_mmio.open(&opened, VIRTIO_BLK, 0);
  CHECK(virtio_mmio.queue(&opened, &q, 0) && q.size == 8, "a short queue stays short");
}

static void test_lies(void) {
  set_up();
  CHECK(panics(VIRTIO_CONSOLE, "names no virtio device of type 3"), "a device that is not there is missed");
  devices[0].registers[MAGIC_VALUE / 4] = 0xffffffff;
  CHECK(panics(VIRTIO_BLK, "no virtio device at 0xc0001000"), "what is no virtio device is refused");
  devices[1].registers[DEVICE_VERSION / 4] = 1;
  CHECK(panics(VIRTIO_NET, "force-legacy=off"), "so is one of the old interface");
  read_places("virtio_mmio.device=4K@0xc0003000:24");
  CHECK(panics(VIRTIO_VSOCK, "has the interrupt 24"), "and an interrupt that the machine does not have");

  is_random = 1;
  int sound = 1, opens = 0;
  for (int round = 0; round < 200000; round++) {
    set_up();
    for (int i = 0; i < 3; i++) devices[i].registers[STATUS / 4] = 0;
    if (setjmp(panicked) != 0) continue;
    if (!virtio_mmio.has(VIRTIO_NET) || !virtio_mmio.open(&opened, VIRTIO_NET, 1u << 5)) continue;
    opens++;
    if (!virtio_mmio.queue(&opened, &q, next() % 4)) continue;
    sound &= q.size >= 1 && q.size <= QUEUE_MAX;
    virtio_mmio.start(&opened);
  }
  is_random = 0;
  CHECK(sound && opens > 100, "no register leads out of it (%d opened)", opens);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = answer_call, .sa_flags = SA_SIGINFO};
  sigaction(SIGTRAP, &action, 0);
  test_command_lines();
  test_devices();
  test_lies();
  return failures != 0;
}
