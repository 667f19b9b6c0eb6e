/* race.h: what the programs with planted data races share: threads, and a way to say what came out.
 * The rule: a program ends whatever the outcome of its races, and prints all of it. */
#ifndef RACE_H
#define RACE_H
#include <stdatomic.h>

#include "check.h"

#define THREADS 4

/* A call now and then: places where the schedule may change. */
static inline void now_and_then(unsigned i) {
  if (i % 97 == 96) sched_yield();
}

static inline void run_all(void *(*body)(void *)) {
  pthread_t threads[THREADS];
  for (long i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, body, (void *)i)) exit(3);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static inline int say_result(uint64_t a, uint64_t b) {
  note("%016lx %016lx", a, b);
  fact("done");
  return 0;
}

/* A loop that waits for another thread: with a bound, so that a lost update is no hang. */
#define SPINS_MOST 20000000u
#define WAIT_UNTIL(condition) \
  for (unsigned spins_ = 0; !(condition) && spins_ < SPINS_MOST; spins_++)
#endif
