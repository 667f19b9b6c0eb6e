/* A process that may open no file any more, and is nobody, as a sandbox has it: one of its threads
 * computes without a call beside another that makes calls. */
#include "computing.h"

static void confined(void) {
  pthread_t thread;
  struct rlimit none = {0, 0};
  EXPECT_EQ(pthread_create(&thread, NULL, compute, NULL), 0);
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  if (getuid() == 0) EXPECT_EQ(setuid(65534), 0);
  EXPECT(open("/dev/null", O_RDONLY) == -1 && errno == EMFILE);
  call_beside(thread);
}

int main(void) { return in_child(confined); }
