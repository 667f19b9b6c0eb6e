/* Treiber's stack, with the ABA problem left in. */
#include "race.h"
struct node { struct node *next; uint64_t value; };
static _Atomic(struct node *) top;
static _Atomic uint64_t sum;
static struct node nodes[THREADS][64];
static void *body(void *argument) {
  long me = (long)argument;
  for (unsigned i = 0; i < 4000; i++) {
    struct node *mine = &nodes[me][i % 64];
    mine->value = i;
    mine->next = atomic_load(&top);
    atomic_compare_exchange_strong(&top, &mine->next, mine);
    struct node *first = atomic_load(&top);
    if (first && atomic_compare_exchange_strong(&top, &first, first->next == first ? NULL
                                                                                   : first->next))
      sum += first->value * (uint64_t)(me + 1);
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  run_all(body);
  return say_result(sum, (uint64_t)atomic_load(&top));
}
