/* The date of an answer, as RFC 9110 writes it. */
#include "date.h"

static const char days[] = "ThuFriSatSunMonTueWed", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const uint8_t month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

static bool is_leap(uint64_t year)
{
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static void add_two(struct buffer *to, uint64_t number)
{
  char digits[] = { (char)('0' + number / 10), (char)('0' + number % 10) };

  buffer_add(to, digits, sizeof digits);
}

void add_date(struct buffer *to, uint64_t seconds)
{
  uint64_t day = seconds / 86400, second = seconds % 86400, year = 1970;
  unsigned month = 0;

  buffer_add(to, days + 3 * (day % 7), 3);
  buffer_text(to, ", ");
  for (; day >= 365 + (uint64_t)is_leap(year); year++)
    day -= 365 + (uint64_t)is_leap(year);
  for (;; month++) {
    uint64_t length = month_days[month] + (uint64_t)(month == 1 && is_leap(year));

    if (day < length)
      break;
    day -= length;
  }
  add_two(to, day + 1);
  buffer_text(to, " ");
  buffer_add(to, months + 3 * month, 3);
  buffer_text(to, " ");
  buffer_number(to, year);
  for (uint64_t unit = 3600; unit > 0; unit /= 60) {
    buffer_text(to, unit == 3600 ? " " : ":");
    add_two(to, second / unit);
    second %= unit;
  }
  buffer_text(to, " GMT");
}
