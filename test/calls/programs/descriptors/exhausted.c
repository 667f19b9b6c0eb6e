/* Ends with every descriptor in use, and its child too: what is looked at then needs none. */
#include "check.h"

int main(void) {
  struct rlimit limit = {100, 0};
  EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = 100;
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  int last = -1, fd;
  while ((fd = open("/dev/zero", O_RDONLY)) >= 0) last = fd;
  EXPECT_EQ(errno, EMFILE);
  EXPECT_EQ(last, 99);
  EXPECT_ERR(dup(0), EMFILE);
  pid_t child = (pid_t)OK(fork());
  if (child == 0) {
    EXPECT_ERR(dup(0), EMFILE);
    _exit(check_failures != 0);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  fact("all in use");
  return check_failures != 0;
}
