/* As many descriptors as there may be: each number that is given out can be used and closed. */
#include "check.h"

enum { MOST = 16200 };

int main(void) {
  struct rlimit limit;
  EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max < MOST ? limit.rlim_max : MOST;
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  int zero = (int)OK(open("/dev/zero", O_RDONLY)), got, highest = zero, given = 1;
  static char is_ours[MOST];
  is_ours[zero] = 1;
  while ((got = dup(zero)) >= 0) is_ours[highest = got] = 1, given++;
  EXPECT_EQ(errno, EMFILE);
  note("%d descriptors", highest + 1);
  int pair[2];
  EXPECT_ERR(pipe(pair), EMFILE);
  char byte = 1;
  EXPECT_EQ(read(highest, &byte, 1), 1);
  EXPECT_EQ(byte, 0);
  for (int fd = zero; fd <= highest; fd++)
    if (is_ours[fd]) given -= close(fd) == 0;
  EXPECT_EQ(given, 0);
  EXPECT_EQ(dup(1), zero);
  EXPECT_EQ(close(zero), 0);
  fact("every descriptor that was given out was closed");
  return finish();
}
