#include "alone.h"

#include <stddef.h>
#include "../boot/panic.h"
#include "../kernel/calls.h"
#include "../rt/memory.h"
#include "channel.h"

static int alone, resident;

static int is_end(char c) { return c == ' ' || c == 0; }

static int has_word(const char *text, uint32_t bytes, const char *word, uint32_t length) {
  for (uint32_t at = 0; at + length < bytes && text[at]; at++) {
    if ((at == 0 || text[at - 1] == ' ') && memcmp(text + at, word, length) == 0 && is_end(text[at + length])) return 1;
  }
  return 0;
}

int alone_asked(const char *text, uint32_t bytes) {
  static const char word[] = "firstlight.alone";
  return has_word(text, bytes, word, sizeof word - 1);
}

int resident_asked(const char *text, uint32_t bytes) {
  static const char word[] = "firstlight.resident";
  return has_word(text, bytes, word, sizeof word - 1);
}

static int readable(void) { return 0; }

static size_t read(void *to, size_t count) {
  (void)to, (void)count;
  return 0;
}

static void post(const struct iovec *pieces, int count) { (void)pieces, (void)count; }

static void wait_sent(void) {}

/* What the function prints goes to the serial port. */
static int open_console(void) { return 0; }

static int is_console_sent(void) { return 1; }

static const struct channel_driver driver = {readable, read, post, wait_sent, open_console, post, is_console_sent};

void alone_init(void) {
  alone = 1;
  channel_use(&driver);
}

int is_alone(void) { return alone; }

void resident_init(void) { resident = 1; }

int is_resident(void) { return resident; }

/* CPUID's leaf 1, ECX bit 30. */
int alone_has_random(void) {
  uint32_t a = 1, b, c = 0, d;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return c >> 30 & 1;
}

/* The instruction fails when the processor has no number ready: Intel's manual has it repeated ten times. */
static int random_word(uint64_t *number) {
  for (int i = 0; i < 10; i++) {
    uint8_t is_good;
    __asm__ volatile("rdrand %0; setc %1" : "=r"(*number), "=qm"(is_good)::"cc");
    if (is_good) return 1;
  }
  return 0;
}

enum { SECOND_OF, MINUTE_OF = 2, HOUR_OF = 4, DAY_OF = 7, MONTH_OF, YEAR_OF, STATUS_A, STATUS_B };
#define A_UPDATING 0x80
#define B_24_HOURS 2
#define B_BINARY 4
#define HOUR_PM 0x80

static uint8_t rtc(int number) { return call_kernel(CALL_RTC_READ, number, 0); }

static const uint8_t fields[] = {SECOND_OF, MINUTE_OF, HOUR_OF, DAY_OF, MONTH_OF, YEAR_OF};
#define FIELDS ((int)sizeof fields)

static void read_fields(uint8_t values[FIELDS]) {
  while (rtc(STATUS_A) & A_UPDATING);
  for (int i = 0; i < FIELDS; i++) values[i] = rtc(fields[i]);
}

static uint32_t from_bcd(uint32_t value) { return (value >> 4) * 10 + (value & 15); }

/* Days from 1970 to a date of this century: March is the first month, so that leap days come last. */
static uint64_t days_since_1970(uint32_t year, uint32_t month, uint32_t day) {
  uint32_t years = year - (month < 3), months = month < 3 ? month + 9 : month - 3;
  return years * 365ull + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day - 1 - 719468;
}

/* The clock of the machine, which VMMs set to UTC. It may change while it is read: two equal readings are wanted. */
static uint64_t rtc_ns(void) {
  uint8_t now[FIELDS], before[FIELDS];
  read_fields(now);
  do {
    memcpy(before, now, sizeof now);
    read_fields(now);
  } while (memcmp(before, now, sizeof now) != 0);
  uint8_t form = rtc(STATUS_B), is_pm = now[2] & HOUR_PM;
  uint32_t value[FIELDS];
  now[2] &= ~HOUR_PM;
  for (int i = 0; i < FIELDS; i++) value[i] = form & B_BINARY ? now[i] : from_bcd(now[i]);
  uint32_t hour = form & B_24_HOURS ? value[2] : value[2] % 12 + (is_pm ? 12 : 0);
  uint64_t days = days_since_1970(2000 + value[5], value[4], value[3]);
  return (((days * 24 + hour) * 60 + value[1]) * 60 + value[0]) * 1000000000ull;
}

void alone_seed(uint8_t seed[32], uint64_t *wall_ns) {
  if (!alone_has_random()) panic("this machine's processor gives no random numbers (RDRAND), which a guest on its own needs");
  for (int i = 0; i < 4; i++) {
    uint64_t number;
    if (!random_word(&number)) panic("this machine's processor has no random numbers left");
    memcpy(seed + 8 * i, &number, sizeof number);
  }
  *wall_ns = rtc_ns();
}
