/* Ten thousand threads, one after another, and five hundred at once: ended ones cost nothing. */
#include "check.h"

static long sum;

static void *add(void *argument) {
  sum += (long)argument;
  return argument;
}

static pthread_barrier_t all;
static void *meet(void *unused) {
  pthread_barrier_wait(&all);
  return unused;
}

int main(void) {
  pthread_t thread, crowd[500];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  for (long i = 0; i < 10000; i++) {
    void *value;
    if (pthread_create(&thread, &attributes, add, (void *)i) != 0) FAIL("thread %ld", i);
    if (pthread_join(thread, &value) != 0 || value != (void *)i) FAIL("join %ld", i);
  }
  EXPECT_EQ(sum, 49995000);
  fact("10000 threads");
  pthread_barrier_init(&all, NULL, 500);
  for (int i = 0; i < 500; i++)
    EXPECT_EQ(pthread_create(&crowd[i], &attributes, meet, NULL), 0);
  for (int i = 0; i < 500; i++) EXPECT_EQ(pthread_join(crowd[i], NULL), 0);
  fact("500 threads at once");
  return finish();
}
