/* No descriptor may be opened any more, by root, and by a child that could not take it back: the
 * one's memory is compared at its end like any other's. */
#include "check.h"

static void close_the_door(void) {
  struct rlimit none = {0, 0};
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_ERR(open("/dev/null", O_RDONLY), EMFILE);
  EXPECT_ERR(dup(1), EMFILE);
  EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT(none.rlim_cur == 0 && none.rlim_max == 0);
}

int main(void) {
  pid_t child = fork();
  if (child == 0) {
    EXPECT_EQ(setuid(65534), 0);
    close_the_door();
    memset(malloc(100000), 1, 100000);
    _exit(check_failures);
  }
  fact("child %d", ended(child));
  close_the_door();
  memset(malloc(100000), 2, 100000);
  return finish();
}
