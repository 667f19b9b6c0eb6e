/* SIGCHLD: counted, coalesced, ignored, with SA_NOCLDWAIT and SA_NOCLDSTOP. */
#include "check.h"

static volatile sig_atomic_t signals, reaped, sum;

static void on_child(int number) {
  (void)number;
  int kept = errno, status;
  signals++;
  while (waitpid(-1, &status, WNOHANG) > 0) {
    reaped++;
    sum += WEXITSTATUS(status);
  }
  errno = kept;
}

int main(void) {
  struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
  EXPECT_EQ(sigaction(SIGCHLD, &action, NULL), 0);
  for (int i = 1; i <= 10; i++) {
    pid_t child = fork();
    if (child == 0) {
      if (i % 2) usleep(1000);
      _exit(i);
    }
    EXPECT(child > 0);
  }
  while (reaped < 10) usleep(500);
  EXPECT_EQ(sum, 55);
  EXPECT(signals >= 1 && signals <= 10);
  note("%d signals for ten children", (int)signals);
  fact("ten reaped, sum %d", (int)sum);

  /* Ignored: children leave no zombie, wait says there is none. */
  EXPECT(signal(SIGCHLD, SIG_IGN) == on_child);
  for (int i = 0; i < 3; i++)
    if (fork() == 0) _exit(i);
  EXPECT_ERR(waitpid(-1, NULL, 0), ECHILD);
  action.sa_flags = SA_NOCLDWAIT;
  signals = 0;
  EXPECT_EQ(sigaction(SIGCHLD, &action, NULL), 0);
  if (fork() == 0) _exit(1);
  EXPECT_ERR(waitpid(-1, NULL, 0), ECHILD);
  EXPECT_EQ(signals, 1);
  fact("no zombies");
  return finish();
}
