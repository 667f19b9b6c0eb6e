/* Michael and Scott's queue; nodes are never freed. */
#include "race.h"
struct node { _Atomic(struct node *) next; uint64_t value; };
static _Atomic(struct node *) head, tail;
static _Atomic uint64_t order;
static void put(uint64_t value) {
  struct node *mine = calloc(1, sizeof *mine);
  mine->value = value;
  for (;;) {
    struct node *last = atomic_load(&tail), *next = atomic_load(&last->next);
    if (next) {
      atomic_compare_exchange_strong(&tail, &last, next);
    } else if (atomic_compare_exchange_weak(&last->next, &next, mine)) {
      atomic_compare_exchange_strong(&tail, &last, mine);
      return;
    }
  }
}
static int take(uint64_t *value) {
  for (;;) {
    struct node *first = atomic_load(&head), *next = atomic_load(&first->next);
    if (!next) return 0;
    *value = next->value;
    if (atomic_compare_exchange_weak(&head, &first, next)) return 1;
  }
}
static void *body(void *argument) {
  for (unsigned i = 0; i < 3000; i++) {
    uint64_t value = 0;
    put((uint64_t)(long)argument << 32 | i);
    if (i % 3 && take(&value)) atomic_store(&order, atomic_load(&order) * 31 + value);
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  struct node *dummy = calloc(1, sizeof *dummy);
  head = tail = dummy;
  run_all(body);
  uint64_t left = 0, value;
  while (take(&value)) left = left * 7 + value;
  return say_result(order, left);
}
