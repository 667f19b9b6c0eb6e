/* Fifty threads count under one mutex and print who counted what: the order is the log's. */
#include "check.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int counter;
static unsigned order;

static void *body(void *argument) {
  for (int i = 0; i < 20; i++) {
    pthread_mutex_lock(&mutex);
    counter++;
    order = order * 31 + (unsigned)(long)argument;
    if (counter % 20 == 0) note("%d by thread %ld", counter, (long)argument);
    pthread_mutex_unlock(&mutex);
    if (i % 4 == 3) sched_yield();
  }
  return NULL;
}

int main(void) {
  pthread_t threads[50];
  for (long i = 0; i < 50; i++) EXPECT_EQ(pthread_create(&threads[i], NULL, body, (void *)i), 0);
  for (int i = 0; i < 50; i++) EXPECT_EQ(pthread_join(threads[i], NULL), 0);
  fact("counted to %d", counter);
  note("order %08x", order);
  return finish();
}
