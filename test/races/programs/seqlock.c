/* A sequence lock: readers try again when a writer was there; one writer breaks the rule. */
#include "race.h"
static _Atomic unsigned sequence;
static volatile uint64_t pair[2];
static _Atomic uint64_t retries, torn;
static void *body(void *argument) {
  for (unsigned i = 0; i < 5000; i++) {
    if ((long)argument < 2) { /* two writers, nothing between them */
      atomic_fetch_add(&sequence, 1);
      pair[0] = i;
      pair[1] = i * 2;
      atomic_fetch_add(&sequence, 1);
    } else {
      unsigned before = atomic_load(&sequence);
      uint64_t a = pair[0], b = pair[1];
      if ((before & 1) || before != atomic_load(&sequence)) retries++;
      else if (b != a * 2) torn++;
    }
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  run_all(body);
  return say_result(retries, torn);
}
