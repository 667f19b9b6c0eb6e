/* A process that limits its own address space and data, as servers do for each of their services:
 * one of its threads computes without a call beside another that makes calls. */
#include "computing.h"

static void confined(void) {
  pthread_t thread;
  struct rlimit limit = {200ul << 20, 200ul << 20};
  EXPECT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  limit.rlim_cur = limit.rlim_max = 100ul << 20;
  EXPECT_EQ(setrlimit(RLIMIT_DATA, &limit), 0);
  EXPECT_EQ(pthread_create(&thread, NULL, compute, NULL), 0);
  call_beside(thread);
}

int main(void) { return in_child(confined); }
