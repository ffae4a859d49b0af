/* A check prints one line, `ok` or `not ok`; the runner counts them. */
#include <stdio.h>

static int failures;

#define CHECK(condition, ...)                          \
  do {                                                 \
    int good = (condition);                            \
    if (!good) failures++;                             \
    printf(good ? "ok " : "not ok ");                  \
    printf(__VA_ARGS__);                               \
    printf("\n");                                      \
  } while (0)
