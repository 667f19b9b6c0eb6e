/* A thread that computes without a call beside one that makes calls: both must get on. */
#include "check.h"

static volatile int stop;
static volatile unsigned long steps;

static void *compute(void *unused) {
  (void)unused;
  unsigned long x = 88172645463325252ul;
  for (int i = 0; i < 60000000; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    steps++;
  }
  __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
  return (void *)x;
}

int main(void) {
  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, compute, NULL), 0);
  int turns = 0;
  unsigned long seen = 0;
  while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
    usleep(2000);
    if (turns++ < 50) note("steps %lu", steps - seen);
    seen = steps;
  }
  void *value;
  EXPECT_EQ(pthread_join(thread, &value), 0);
  fact("computed %lx", (unsigned long)value);
  note("%d turns", turns);
  return finish();
}
