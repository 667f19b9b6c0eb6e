/* sigaction: flags read back, masks in handlers, SA_RESETHAND, SA_NODEFER, what is refused. */
#include "check.h"

static volatile sig_atomic_t calls, depth, deepest, masked;

static void plain(int number) {
  (void)number;
  calls++;
  if (++depth > deepest) deepest = depth;
  if (calls < 3) raise(SIGUSR1);
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  masked = sigismember(&now, SIGUSR1) + 2 * sigismember(&now, SIGUSR2);
  depth--;
}

int main(void) {
  struct sigaction *old = (void *)guarded(sizeof *old), action = {.sa_handler = plain};
  sigaddset(&action.sa_mask, SIGUSR2);
  EXPECT_EQ(sigaction(SIGUSR1, &action, old), 0);
  EXPECT(old->sa_handler == SIG_DFL);
  EXPECT(untouched((unsigned char *)old, sizeof *old));
  EXPECT_EQ(sigaction(SIGUSR1, NULL, old), 0);
  EXPECT(old->sa_handler == plain && sigismember(&old->sa_mask, SIGUSR2) == 1);
  EXPECT_EQ(sigismember(&old->sa_mask, SIGUSR1), 0);
  EXPECT_EQ(raise(SIGUSR1), 0);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(deepest, 1); /* the signal itself is blocked in its handler */
  EXPECT_EQ(masked, 3);

  calls = 0, deepest = 0;
  action.sa_flags = SA_NODEFER;
  sigemptyset(&action.sa_mask);
  EXPECT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  EXPECT_EQ(raise(SIGUSR1), 0);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(deepest, 3);
  EXPECT_EQ(masked, 0);

  calls = 5;
  action.sa_flags = SA_RESETHAND;
  EXPECT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  EXPECT_EQ(raise(SIGUSR1), 0);
  EXPECT_EQ(calls, 6);
  EXPECT_EQ(sigaction(SIGUSR1, NULL, old), 0);
  EXPECT(old->sa_handler == SIG_DFL);
  fact("handlers with flags");

  EXPECT(signal(SIGUSR1, SIG_IGN) == SIG_DFL);
  EXPECT_EQ(raise(SIGUSR1), 0);
  EXPECT(signal(SIGUSR1, plain) == SIG_IGN);
  EXPECT_EQ(sigaction(SIGUSR1, NULL, old), 0);
  EXPECT(old->sa_flags & SA_RESTART); /* signal() as in BSD */
  EXPECT_ERR(sigaction(SIGKILL, &action, NULL), EINVAL);
  EXPECT_ERR(sigaction(SIGSTOP, &action, NULL), EINVAL);
  EXPECT_EQ(sigaction(SIGKILL, NULL, old), 0);
  EXPECT_ERR(sigaction(65, &action, NULL), EINVAL);
  EXPECT_ERR(sigaction(0, NULL, old), EINVAL);
  EXPECT_ERR(syscall(SYS_rt_sigaction, SIGUSR1, 8, 0, 8), EFAULT);
  EXPECT_ERR(syscall(SYS_rt_sigaction, SIGUSR1, 0, 0, 4), EINVAL);

  /* Handlers are gone after exec, ignored signals stay ignored: a shell can tell. */
  signal(SIGUSR2, SIG_IGN);
  pid_t child = fork();
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", "kill -USR2 $$; kill -USR1 $$; exit 3", NULL);
    _exit(99);
  }
  EXPECT_EQ(ended(child), 1000 + SIGUSR1);
  return finish();
}
