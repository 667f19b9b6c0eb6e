/* The queue lock of Mellor-Crummey and Scott. */
#include "race.h"
struct waiter { _Atomic(struct waiter *) next; _Atomic int locked; };
static _Atomic(struct waiter *) tail;
static volatile uint64_t order;
static void *body(void *argument) {
  struct waiter mine;
  for (unsigned i = 0; i < 1500; i++) {
    mine.next = NULL;
    mine.locked = 1;
    struct waiter *before = atomic_exchange(&tail, &mine), *me = &mine;
    if (before) {
      before->next = &mine;
      while (mine.locked) __builtin_ia32_pause();
    }
    order = order * 31 + (uint64_t)(long)argument;
    if (!mine.next && !atomic_compare_exchange_strong(&tail, &me, NULL))
      while (!mine.next) __builtin_ia32_pause();
    if (mine.next) mine.next->locked = 0;
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  run_all(body);
  return say_result(order, (uint64_t)tail);
}
