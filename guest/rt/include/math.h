/* The mathematical functions of the C library that wasm2c's output uses; rt/math.c defines them. */
#define NAN __builtin_nanf("")
#define INFINITY __builtin_inff()
#define signbit(x) __builtin_signbit(x)
#define isnan(x) __builtin_isnan(x)

double ceil(double);
double copysign(double, double);
double fabs(double);
double floor(double);
double nearbyint(double);
float nearbyintf(float);
double sqrt(double);
double trunc(double);
