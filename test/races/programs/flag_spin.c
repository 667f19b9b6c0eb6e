/* A thread waits for a flag without a call and without a pause, and counts its rounds. */
#include "race.h"
static volatile int flags[THREADS + 1];
static volatile uint64_t rounds;
static void *body(void *argument) {
  long me = (long)argument;
  uint64_t mine = 0;
  while (!flags[me]) mine++;
  rounds = rounds * 31 + (mine > 0);
  for (volatile unsigned i = 0; i < 20000; i++) {
  }
  flags[me + 1] = 1;
  return NULL;
}
int main(void) {
  flags[0] = 1;
  run_all(body);
  return say_result(rounds, (uint64_t)flags[THREADS]);
}
