/* A process that may open no file any more, and is nobody, as a sandbox has it: one of its threads
 * computes without a call beside another that makes calls. */
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
  struct rlimit none = {0, 0};
  EXPECT_EQ(pthread_create(&thread, NULL, compute, NULL), 0);
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  if (getuid() == 0) EXPECT_EQ(setuid(65534), 0);
  EXPECT(open("/dev/null", O_RDONLY) == -1 && errno == EMFILE);
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
