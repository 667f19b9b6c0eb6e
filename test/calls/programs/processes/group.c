/* Process groups and sessions: a program leads its own, signals go to a group, a child leaves. */
#include "check.h"

static volatile sig_atomic_t caught;
static void on_signal(int number) { (void)number, caught++; }

int main(void) {
  fact("leads its group: %d, its session: %d", getpgrp() == getpid(), getsid(0) == getpid());
  EXPECT(setsid() == -1 && errno == EPERM);
  EXPECT_EQ(getpgid(0), getpgrp());
  signal(SIGUSR1, on_signal);

  int ready[2], told[2];
  OK(pipe(ready));
  OK(pipe(told));
  pid_t same = (pid_t)OK(fork());
  if (same == 0) {
    OK(write(ready[1], "r", 1));
    char go;
    while (read(told[0], &go, 1) < 0) continue;
    _exit(caught == 1 ? 7 : 1);
  }
  char byte;
  EXPECT_EQ(read(ready[0], &byte, 1), 1);
  pid_t apart = (pid_t)OK(fork());
  if (apart == 0) {
    EXPECT_EQ(setpgid(0, 0), 0);
    EXPECT_EQ(getpgrp(), getpid());
    OK(setsid() == -1 ? 0 : -1);
    OK(write(ready[1], "a", 1));
    char go;
    while (read(told[0], &go, 1) < 0) continue;
    _exit(caught == 0 ? 8 : 2);
  }
  EXPECT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(kill(0, SIGUSR1), 0);
  EXPECT_EQ(caught, 1);
  EXPECT_EQ(write(told[1], "gg", 2), 2);
  int first = ended(same), second = ended(apart);
  fact("in the group: %d, outside: %d", first, second);

  pid_t leader = (pid_t)OK(fork());
  if (leader == 0) {
    EXPECT_EQ(setsid(), getpid());
    EXPECT_EQ(kill(-getpid(), SIGUSR1), 0);
    _exit(check_failures || caught != 2);
  }
  EXPECT_EQ(ended(leader), 0);
  EXPECT(kill(-leader, 0) == -1 && errno == ESRCH);
  fact("caught %d", (int)caught);
  return finish();
}
