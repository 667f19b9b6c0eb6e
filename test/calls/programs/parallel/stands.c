/* A thread looks at a word that another one writes, without a lock: in the recording before it is
 * written, since the writer sleeps first; in a replay, which does not sleep, after. Then it waits
 * for what never comes, without a call: only who looks at the log sees that it stands still. */
#include "check.h"

static volatile int written, never;

static void sleep_ms(long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&t, NULL);
}

static void *write_late(void *nothing) {
  sleep_ms(3000);
  written = 1;
  return nothing;
}

static void *look_early(void *nothing) {
  sleep_ms(10);
  for (volatile long i = 0; i < 20000000; i++) continue;
  while (written && !never) continue;
  sleep_ms(3000);
  fact("looked");
  return nothing;
}

int main(void) {
  pthread_t threads[2];
  if (pthread_create(&threads[0], NULL, write_late, NULL)) return 1;
  if (pthread_create(&threads[1], NULL, look_early, NULL)) return 1;
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  return 0;
}
