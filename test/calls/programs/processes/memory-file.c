/* A program that has no path: a file in memory, executed by its descriptor. */
#include "check.h"

int main(int argc, char **argv) {
  if (argc > 1) {
    fact("executed as %s", argv[1]);
    return finish();
  }
  int self = (int)OK(open("/proc/self/exe", O_RDONLY));
  int copy = (int)OK(memfd_create("copy", MFD_CLOEXEC));
  char bytes[4096];
  ssize_t n;
  while ((n = read(self, bytes, sizeof bytes)) > 0) EXPECT_EQ(write(copy, bytes, (size_t)n), n);
  EXPECT_EQ(close(self), 0);
  char *arguments[] = {argv[0], "a file in memory", NULL}, *nothing[] = {NULL};
  pid_t child = fork();
  if (child == 0) {
    syscall(SYS_execveat, copy, "", arguments, nothing, AT_EMPTY_PATH);
    _exit(1);
  }
  EXPECT_EQ(ended(child), 0);
  return finish();
}
