/* Five thousand children, one after another; every tenth is killed and never says that it ends. */
#include "check.h"

int main(void) {
  int statuses = 0, kills = 0;
  for (int i = 0; i < 5000; i++) {
    pid_t child = fork();
    if (child == 0 && i % 10 == 9)
      for (;;) pause();
    if (child == 0) _exit(i % 7);
    if (child < 0) FAIL("fork %d (errno %d)", i, errno);
    if (i % 10 == 9) kill(child, SIGKILL);
    int how = ended(child);
    if (how == 1000 + SIGKILL)
      kills++;
    else if (how == i % 7)
      statuses++;
  }
  EXPECT_EQ(kills, 500);
  EXPECT_EQ(statuses, 4500);
  fact("%d ended, %d killed", statuses, kills);
  return finish();
}
