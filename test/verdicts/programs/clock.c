/* clock.c: reads clocks, most of them without a system call.
 * Expected: replicable */
#include "small.h"

int main(void) {
  struct timespec t;
  for (int i = 0; i < 100; i++) NEED(clock_gettime(i % 2 ? CLOCK_REALTIME : CLOCK_MONOTONIC, &t));
  tell("nanoseconds", (unsigned long)t.tv_nsec);
  tell("seconds", (unsigned long)time(NULL));
  return 0;
}
