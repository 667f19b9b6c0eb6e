/* Handlers within handlers, each making calls, with errno kept by those who keep it. */
#include "check.h"

static volatile sig_atomic_t order[32], count;
static int ends[2];

static void handler(int number) {
  int kept = errno;
  order[count++ % 32] = number;
  if (number == SIGUSR1) raise(SIGUSR2);
  if (number == SIGUSR2) raise(SIGRTMIN);
  char byte = (char)number;
  EXPECT_EQ(write(ends[1], &byte, 1), 1);
  EXPECT(access("absent", F_OK) == -1);
  order[count++ % 32] = -number;
  errno = kept;
}

int main(void) {
  OK(pipe(ends));
  struct sigaction action = {.sa_handler = handler};
  EXPECT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  EXPECT_EQ(sigaction(SIGUSR2, &action, NULL), 0);
  EXPECT_EQ(sigaction(SIGRTMIN, &action, NULL), 0);
  errno = 77;
  EXPECT_EQ(raise(SIGUSR1), 0);
  EXPECT_EQ(errno, 77);
  EXPECT_EQ(count, 6);
  int wanted[] = {SIGUSR1, SIGUSR2, SIGRTMIN, -SIGRTMIN, -SIGUSR2, -SIGUSR1};
  for (int i = 0; i < 6; i++) EXPECT_EQ(order[i], wanted[i]);
  char bytes[8];
  EXPECT_EQ(read(ends[0], bytes, sizeof bytes), 3);
  EXPECT(bytes[0] == SIGRTMIN && bytes[1] == SIGUSR2 && bytes[2] == SIGUSR1);
  fact("three deep");

  /* Held back by the mask of the handler, they come when it returns: the lowest number first. */
  count = 0;
  sigaddset(&action.sa_mask, SIGUSR2);
  sigaddset(&action.sa_mask, SIGRTMIN);
  EXPECT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  EXPECT_EQ(raise(SIGUSR1), 0);
  EXPECT_EQ(count, 6);
  int delayed[] = {SIGUSR1, -SIGUSR1, SIGUSR2, SIGRTMIN, -SIGRTMIN, -SIGUSR2};
  for (int i = 0; i < 6; i++) EXPECT_EQ(order[i], delayed[i]);

  /* A storm: every one of 300 is taken, real-time signals are queued. */
  count = 0;
  sigset_t block, old;
  sigemptyset(&block);
  sigaddset(&block, SIGRTMIN);
  EXPECT_EQ(sigprocmask(SIG_BLOCK, &block, &old), 0);
  for (int i = 0; i < 300; i++)
    EXPECT_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}), 0);
  EXPECT_EQ(count, 0);
  EXPECT_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
  EXPECT_EQ(count, 600);
  fact("a storm of %d", count / 2);
  return finish();
}
