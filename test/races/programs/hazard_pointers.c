/* Hazard pointers: what a reader has announced is not freed. */
#include "race.h"
struct item { uint64_t value; };
static _Atomic(struct item *) shared;
static _Atomic(struct item *) hazards[THREADS];
static _Atomic uint64_t seen, kept;
static void retire(struct item *old) {
  for (int i = 0; i < THREADS; i++)
    if (hazards[i] == old) {
      kept++;
      return; /* leaked: a later one would look again */
    }
  old->value = 0xdead;
  free(old);
}
static void *body(void *argument) {
  long me = (long)argument;
  for (unsigned i = 0; i < 4000; i++) {
    if (me == 0) {
      struct item *fresh = malloc(sizeof *fresh);
      fresh->value = i;
      retire(atomic_exchange(&shared, fresh));
    } else {
      struct item *mine;
      do hazards[me] = mine = shared;
      while (mine != shared);
      atomic_store(&seen, atomic_load(&seen) * 3 + mine->value);
      hazards[me] = NULL;
    }
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  shared = calloc(1, sizeof(struct item));
  run_all(body);
  return say_result(seen, kept);
}
