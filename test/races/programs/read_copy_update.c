/* Readers follow a pointer that a writer replaces; old versions are freed too early by design of
 * the test: a version is used again after two more. */
#include "race.h"
struct version { uint64_t number, check; };
static struct version versions[3];
static _Atomic(struct version *) current;
static _Atomic uint64_t wrong, seen[THREADS];
static void *body(void *argument) {
  long me = (long)argument;
  for (unsigned i = 0; i < 8000; i++) {
    if (me == 0) {
      struct version *next = &versions[i % 3];
      next->number = i;
      next->check = ~(uint64_t)i;
      atomic_store_explicit(&current, next, memory_order_release);
    } else {
      struct version *v = atomic_load_explicit(&current, memory_order_consume);
      uint64_t number = v->number;
      if (v->check != ~number) wrong++;
      seen[me] = seen[me] * 3 + number;
    }
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  versions[0].check = ~0ul;
  current = &versions[0];
  run_all(body);
  return say_result(wrong, seen[1] ^ seen[2] ^ seen[3]);
}
