/* Reference counts that are not atomic: objects live too long; who sees zero counts it. */
#include "race.h"
static volatile int counts[16];
static volatile uint64_t zeros, negative;
static void *body(void *argument) {
  for (unsigned i = 0; i < 20000; i++) {
    volatile int *count = &counts[(i * 5 + (unsigned)(long)argument) % 16];
    *count = *count + 1;
    now_and_then(i);
    *count = *count - 1;
    if (*count == 0) zeros = zeros + 1;
    if (*count < 0) negative = negative + 1;
  }
  return NULL;
}
int main(void) {
  run_all(body);
  uint64_t all = 0;
  for (int i = 0; i < 16; i++) all = all * 31 + (uint64_t)(unsigned)counts[i];
  return say_result(zeros << 32 | negative, all);
}
