/* threads.c: four threads count under a lock and without one.
 * Expected: with --schedule serial */
#include "small.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile unsigned long guarded, raced;

static void *count(void *unused) {
  (void)unused;
  for (int i = 0; i < 2000; i++) {
    pthread_mutex_lock(&lock);
    guarded++;
    pthread_mutex_unlock(&lock);
    raced++;
    if (i % 100 == 0) sched_yield();
  }
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) NEED(-pthread_create(&threads[i], NULL, count, NULL));
  for (int i = 0; i < 4; i++) NEED(-pthread_join(threads[i], NULL));
  tell("guarded", guarded);
  tell("raced", raced);
  return guarded != 8000;
}
