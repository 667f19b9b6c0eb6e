/* spin.c: a thread waits for another in a loop without a call.
 * Expected: with --schedule serial */
#include "small.h"

static volatile int ready;
static void *other(void *unused) {
  (void)unused;
  ready = 1;
  return NULL;
}

int main(void) {
  pthread_t thread;
  NEED(-pthread_create(&thread, NULL, other, NULL));
  while (!ready) __builtin_ia32_pause();
  NEED(-pthread_join(thread, NULL));
  tell("ready", 1);
  return 0;
}
