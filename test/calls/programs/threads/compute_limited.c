/* A process that limits its own address space and data, as servers do for each of their services:
 * one of its threads computes without a call beside another that makes calls. */
#include "check.h"

static volatile int stop;

static void *compute(void *unused) {
  (void)unused;
  volatile unsigned long held[64] = {0};
  unsigned long x = 88172645463325252ul;
  for (int i = 0; i < 40000000; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    held[i & 63] += x;
  }
  for (int i = 0; i < 64; i++) x += held[i];
  __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
  return (void *)x;
}

static void confined(void) {
  pthread_t thread;
  struct rlimit limit = {200ul << 20, 200ul << 20};
  EXPECT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  limit.rlim_cur = limit.rlim_max = 100ul << 20;
  EXPECT_EQ(setrlimit(RLIMIT_DATA, &limit), 0);
  EXPECT_EQ(pthread_create(&thread, NULL, compute, NULL), 0);
  int turns = 0;
  while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
    usleep(1000);
    turns++;
  }
  void *value;
  EXPECT_EQ(pthread_join(thread, &value), 0);
  fact("computed %lx", (unsigned long)value);
  note("%d turns", turns);
}

int main(void) {
  pid_t child = (pid_t)OK(fork());
  if (child == 0) {
    confined();
    _exit(check_failures != 0);
  }
  EXPECT_EQ(ended(child), 0);
  return finish();
}
