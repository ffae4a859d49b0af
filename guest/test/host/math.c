#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"

double ember_fabs(double), ember_copysign(double, double), ember_sqrt(double), ember_nearbyint(double), ember_trunc(double),
    ember_floor(double), ember_ceil(double);
float ember_nearbyintf(float);
int ember_popcountdi2(long long);

static int same(double x, double y) { return (isnan(x) && isnan(y)) || memcmp(&x, &y, sizeof x) == 0; }
static int samef(float x, float y) { return (isnan(x) && isnan(y)) || memcmp(&x, &y, sizeof x) == 0; }

static const double special[] = {0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -1.5, -2.5, 0.49999999999999994, 1e300, -1e300, 4503599627370495.5,
                                 4503599627370496.0, 4503599627370497.0, -4503599627370495.5, 9007199254740993.0, 9.3e18, -9.3e18, 1e-310,
                                 -1e-310, INFINITY, -INFINITY, NAN, 2147483647.5, -2147483648.5, 0.9999999999999999, -0.9999999999999999};

static double sample(int i) {
  if (i < (int)(sizeof special / sizeof *special)) return special[i];
  if (i & 1) return (rand() - RAND_MAX / 2) / 16.0;
  uint64_t bits = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

int main(void) {
  int ok[8] = {1, 1, 1, 1, 1, 1, 1, 1};
  for (int i = 0; i < 200000; i++) {
    double x = sample(i), y = sample(i * 7 % 200000);
    ok[0] &= same(ember_fabs(x), fabs(x));
    ok[1] &= same(ember_copysign(x, y), copysign(x, y)) || isnan(x);
    ok[2] &= same(ember_sqrt(x), sqrt(x));
    ok[3] &= same(ember_nearbyint(x), nearbyint(x));
    ok[4] &= same(ember_trunc(x), trunc(x));
    ok[5] &= same(ember_floor(x), floor(x));
    ok[6] &= same(ember_ceil(x), ceil(x));
    ok[7] &= samef(ember_nearbyintf((float)x), nearbyintf((float)x));
  }
  const char *names[] = {"fabs", "copysign", "sqrt", "nearbyint", "trunc", "floor", "ceil", "nearbyintf"};
  for (int i = 0; i < 8; i++) CHECK(ok[i], "%s, bit for bit as libm", names[i]);
  int popcount = 1;
  for (int i = 0; i < 1000; i++) {
    long long x = (uint64_t)rand() << 33 ^ rand();
    popcount &= ember_popcountdi2(x) == __builtin_popcountll(x);
  }
  CHECK(popcount && ember_popcountdi2(-1) == 64 && ember_popcountdi2(0) == 0, "popcount");
  return failures != 0;
}
