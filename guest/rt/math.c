/*
 * The seven functions of libm that the engine's code calls; it contains all others itself. They are exact by IEEE 754, signed zeros
 * and NaN included, and use SSE2 only, so they round by the addition and subtraction of 2^52.
 */
#include <stdint.h>

#define TWO52 4503599627370496.0
#define TWO23 8388608.0f

static uint64_t bits_of(double x) {
  uint64_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}

static double double_of(uint64_t bits) {
  double x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

double fabs(double x) { return double_of(bits_of(x) & ~(1ull << 63)); }

double copysign(double x, double sign) { return double_of((bits_of(x) & ~(1ull << 63)) | (bits_of(sign) & 1ull << 63)); }

double sqrt(double x) {
  double result;
  __asm__("sqrtsd %1, %0" : "=x"(result) : "x"(x));
  return result;
}

double nearbyint(double x) {
  double size = fabs(x);
  if (!(size < TWO52)) return x;
  /* Volatile: the compiler must not remove the two steps. */
  volatile double shifted = size + TWO52;
  return copysign(shifted - TWO52, x);
}

float nearbyintf(float x) {
  float size = x < 0 ? -x : x;
  if (!(size < TWO23)) return x;
  volatile float shifted = size + TWO23;
  float result = shifted - TWO23;
  uint32_t bits, sign;
  __builtin_memcpy(&bits, &result, sizeof bits);
  __builtin_memcpy(&sign, &x, sizeof sign);
  bits |= sign & 0x80000000u;
  __builtin_memcpy(&result, &bits, sizeof result);
  return result;
}

double trunc(double x) {
  if (!(fabs(x) < TWO52)) return x;
  return copysign((double)(int64_t)x, x);
}

double floor(double x) {
  double whole = trunc(x);
  return whole > x ? whole - 1 : whole;
}

double ceil(double x) {
  double whole = trunc(x);
  /* From (-1, 0) the result is -0. */
  return whole < x ? whole + 1 : whole;
}

/* gcc calls this where the popcnt instruction is not available. */
int __popcountdi2(long long value) {
  uint64_t x = value;
  x -= x >> 1 & 0x5555555555555555;
  x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
  x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return x * 0x0101010101010101 >> 56;
}
