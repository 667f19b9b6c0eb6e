/* A ticket lock that waits without a pause. */
#include "race.h"
static _Atomic unsigned next, serving;
static volatile uint64_t order;
static void *body(void *argument) {
  for (unsigned i = 0; i < 1500; i++) {
    unsigned mine = atomic_fetch_add(&next, 1);
    WAIT_UNTIL(atomic_load(&serving) == mine);
    order = order * 31 + (uint64_t)(long)argument;
    atomic_store(&serving, mine + 1);
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  run_all(body);
  return say_result(order, serving);
}
