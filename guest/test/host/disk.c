/* The disk's driver against a simulated device: whole reads, what lies outside, and a device that lies, fails or is silent. */
#include "../../dev/virtio-blk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "../../dev/virtio.h"
#include "check.h"

#define SECTORS 5000

static uint8_t *content;
static uint8_t registers[8];
static uint64_t now_ns;
static uint64_t deadline_ns;
static int has_disk, asked, sleeps;
static jmp_buf panicked;
static char words[256];
/* The device's manner. */
static enum { FINE, FAILS, WRITES_LESS, SILENT, NO_STATUS } manner;

_Noreturn void panic(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  longjmp(panicked, 1);
}
uint64_t clock_boot_ns(void) { return now_ns; }
void cpu_sleep_for(uint64_t ns) {
  now_ns += ns;
  sleeps++;
}
int virtio_has(uint16_t type) { return has_disk && type == VIRTIO_BLK; }
int virtio_open(struct virtio_device *d, uint16_t type, uint32_t wanted) {
  d->config = registers;
  return type == VIRTIO_BLK && wanted == 1u << 5;
}
int virtio_queue(struct virtio_device *d, struct virtq *q, uint16_t number) {
  (void)d;
  q->size = 64;
  q->number = number;
  return 1;
}
void virtio_start(struct virtio_device *d) { (void)d; }

static struct virtq *queue;
static uint32_t written;
static int is_pending;
static struct iovec pieces[2];
static struct {
  uint32_t type, reserved;
  uint64_t sector;
} request;

void virtq_ask(struct virtq *q, struct iovec question, const struct iovec *answers, int count) {
  if (count != 2 || question.length != sizeof request || answers[1].length != 1) abort();
  memcpy(&request, question.base, sizeof request);
  memcpy(pieces, answers, sizeof pieces);
  queue = q;
  is_pending = 1;
  asked++;
}
int virtq_answered(struct virtq *q, uint32_t *count) {
  if (!is_pending || q != queue || manner == SILENT) return 0;
  /* An answer takes a moment. */
  if (sleeps == 0) return 0;
  is_pending = 0;
  uint32_t bytes = pieces[0].length;
  if (request.type != 0 || request.sector + bytes / SECTOR_BYTES > SECTORS) abort();
  memcpy((void *)pieces[0].base, content + request.sector * SECTOR_BYTES, bytes);
  if (manner != NO_STATUS) *(uint8_t *)pieces[1].base = manner == FAILS ? 1 : 0;
  written = manner == WRITES_LESS ? bytes : bytes + 1;
  *count = written;
  return 1;
}

static int is_read(uint64_t sector, uint32_t bytes) {
  /* A panic leaves it behind. */
  static uint8_t *to;
  free(to);
  to = malloc(bytes ? bytes : 1);
  sleeps = 0;
  return virtio_blk_read(sector, to, bytes, deadline_ns) && memcmp(to, content + sector * SECTOR_BYTES, bytes) == 0;
}

int main(void) {
  content = malloc(SECTORS * SECTOR_BYTES);
  for (uint32_t i = 0; i < SECTORS * SECTOR_BYTES; i++) content[i] = rand();
  has_disk = 1;
  *(uint32_t *)registers = SECTORS;
  CHECK(virtio_blk_sectors() == SECTORS, "a disk has its sectors");
  CHECK(is_read(0, 512) && is_read(4999, 512) && is_read(17, 5 * 512), "sectors are read");
  asked = 0;
  CHECK(is_read(0, SECTORS * SECTOR_BYTES) && asked == 3, "the whole disk takes several requests");
  asked = 0;
  CHECK(!is_read(5000, 512) && !is_read(4999, 1024) && !is_read(~0ull, 512) && !is_read(~0ull - 1, 1024), "what lies outside is not read");
  CHECK(!is_read(0, 0) && !is_read(0, 511) && !is_read(0, 513) && asked == 0, "nor are parts of sectors");
  manner = FAILS;
  CHECK(!is_read(0, 512), "a failure of the device is one");
  manner = WRITES_LESS;
  CHECK(!is_read(0, 512), "so is a count of fewer bytes");
  manner = NO_STATUS;
  CHECK(!is_read(0, 512), "and a status that is not written");
  manner = FINE;
  CHECK(is_read(0, 512), "the next read is fine");
  manner = SILENT;
  int is_silent = setjmp(panicked);
  if (!is_silent) is_read(0, 512);
  CHECK(is_silent && strcmp(words, "the disk of assets has not answered for 10000 ms") == 0 && now_ns < 11000000000ull, "a silent device ends the guest after 10 s");
  deadline_ns = now_ns + 1000000000;
  is_silent = setjmp(panicked);
  if (!is_silent) is_read(0, 512);
  CHECK(is_silent && strcmp(words, "the disk of assets has not answered for 1000 ms, and the time of the invocation is up") == 0, "or at the invocation's deadline");
  manner = FINE;
  deadline_ns = 1;
  CHECK(is_read(0, 512), "a read after the deadline has a moment");
  manner = SILENT;
  is_silent = setjmp(panicked);
  if (!is_silent) is_read(0, 512);
  CHECK(is_silent && strstr(words, "for 250 ms"), "and no more");
  return 0;
}
