/* computing.h: a thread that computes without a call, and another that makes calls meanwhile, in a
 * child that has confined itself. The rule: the value is the same however often it is stopped. */
#ifndef COMPUTING_H
#define COMPUTING_H

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

/* Makes calls until the thread has ended, and says what it computed. */
static void call_beside(pthread_t thread) {
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

static int in_child(void (*confined)(void)) {
  pid_t child = (pid_t)OK(fork());
  if (child == 0) {
    confined();
    _exit(check_failures != 0);
  }
  EXPECT_EQ(ended(child), 0);
  return finish();
}

#endif
