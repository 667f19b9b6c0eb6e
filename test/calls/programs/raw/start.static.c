/* A static program: no ld.so, nothing preloaded; files, threads, fork and exec all the same. */
#include "check.h"
#include <sys/auxv.h>

static void *body(void *value) { return (void *)((long)value * 2); }

int main(int argc, char **argv) {
  if (argc > 1) {
    fact("again: %s", argv[1]);
    return finish();
  }
  EXPECT_EQ(getauxval(AT_BASE), 0);
  int fd = file_of("data", "static");
  char text[8] = {0};
  EXPECT_EQ(read(fd, text, 7), 6);
  fact("%s", text);
  EXPECT(now_ns(CLOCK_MONOTONIC) > 0);
  note("pid %d time %lld", getpid(), now_ns(CLOCK_REALTIME));
  pthread_t threads[4];
  void *value;
  for (long i = 0; i < 4; i++) EXPECT_EQ(pthread_create(&threads[i], NULL, body, (void *)i), 0);
  for (long i = 0; i < 4; i++) {
    EXPECT_EQ(pthread_join(threads[i], &value), 0);
    EXPECT_EQ((long)value, i * 2);
  }
  pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", argv[0], "by exec", NULL);
    _exit(99);
  }
  EXPECT_EQ(ended(child), 0);
  child = fork();
  if (child == 0) {
    execl("/bin/echo", "echo", "= from static to dynamic", NULL);
    _exit(99);
  }
  EXPECT_EQ(ended(child), 0);
  return finish();
}
