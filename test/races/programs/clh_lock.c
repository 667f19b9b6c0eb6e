/* The queue lock of Craig, Landin and Hagersten. */
#include "race.h"
struct place { _Atomic int taken; };
static struct place places[THREADS + 1];
static _Atomic(struct place *) tail = &places[THREADS];
static volatile uint64_t order;
static void *body(void *argument) {
  struct place *mine = &places[(long)argument];
  for (unsigned i = 0; i < 1500; i++) {
    mine->taken = 1;
    struct place *before = atomic_exchange(&tail, mine);
    while (before->taken) {
    }
    order = order * 31 + (uint64_t)(long)argument;
    mine->taken = 0;
    mine = before;
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  run_all(body);
  return say_result(order, 0);
}
