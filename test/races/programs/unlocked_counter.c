/* A counter without a lock: additions are lost. */
#include "race.h"
static volatile uint64_t counter, last[THREADS];
static void *body(void *argument) {
  for (unsigned i = 0; i < 20000; i++) {
    counter = counter + 1;
    last[(long)argument] = counter;
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  run_all(body);
  return say_result(counter, last[0] ^ last[1] ^ last[2] ^ last[3]);
}
