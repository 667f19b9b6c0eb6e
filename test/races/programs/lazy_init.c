/* Whoever comes first makes it, and so do others at the same time. */
#include "race.h"
static void *volatile things[1000];
static volatile unsigned made;
static void *body(void *argument) {
  uint64_t all = 0;
  for (unsigned i = 0; i < 1000; i++) {
    if (!things[i]) {
      if (i % 13 == 0) sched_yield();
      things[i] = malloc(16 + (size_t)(long)argument * 16);
      made = made + 1;
    }
    all = all * 31 + (uint64_t)things[i];
  }
  return (void *)all;
}
int main(void) {
  run_all(body);
  uint64_t all = 0;
  for (unsigned i = 0; i < 1000; i++) all = all * 31 + (uint64_t)things[i];
  return say_result(all, made);
}
