/* A mask that holds while a call waits holds in the handler that ends the wait too, and the one
 * before is back afterwards: ppoll, pselect, epoll_pwait, sigsuspend. */
#include "check.h"

#include <sys/epoll.h>

static sigset_t inside;
static char order[16];
static unsigned taken;
static void handler(int number) {
  order[taken++ % sizeof order] = number == SIGALRM ? 'a' : 'u';
  EXPECT_EQ(sigprocmask(SIG_BLOCK, NULL, &inside), 0);
}

static const struct timespec second = {5, 0};

static int wait_with(int how, int epoll, sigset_t *mask) {
  switch (how) {
    case 0: return ppoll(NULL, 0, &second, mask);
    case 1: return pselect(0, NULL, NULL, NULL, &second, mask);
    case 2: return epoll_pwait(epoll, (struct epoll_event[1]){{0}}, 1, 5000, mask);
    default: return sigsuspend(mask);
  }
}

int main(void) {
  struct sigaction action = {.sa_handler = handler};
  EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
  EXPECT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  int epoll = (int)OK(epoll_create1(EPOLL_CLOEXEC));
  sigset_t before, during, after;
  sigemptyset(&before);
  sigaddset(&before, SIGALRM);
  sigaddset(&before, SIGUSR1);
  EXPECT_EQ(sigprocmask(SIG_SETMASK, &before, NULL), 0);
  for (int how = 0; how < 4; how++) {
    /* another signal is let in while it waits, and one is kept out that is not before */
    sigfillset(&during);
    sigdelset(&during, SIGALRM);
    const struct itimerval soon = {{0, 0}, {0, 20000}};
    EXPECT_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
    EXPECT_EQ(raise(SIGUSR1), 0);
    EXPECT_ERR(wait_with(how, epoll, &during), EINTR);
    EXPECT_EQ(sigismember(&inside, SIGCHLD), 1);
    EXPECT_EQ(sigismember(&inside, SIGALRM), 1); /* its own */
    EXPECT_EQ(sigismember(&inside, SIGKILL), 0);
    EXPECT_EQ(sigprocmask(SIG_BLOCK, NULL, &after), 0);
    EXPECT_EQ(sigismember(&after, SIGCHLD), 0);
    EXPECT_EQ(sigismember(&after, SIGUSR1), 1);
    /* both are let in: one wait, two handlers, the later one on top */
    sigemptyset(&during);
    EXPECT_EQ(raise(SIGALRM), 0);
    EXPECT_ERR(wait_with(how, epoll, &during), EINTR);
    EXPECT_EQ(sigpending(&after), 0);
    EXPECT_EQ(sigismember(&after, SIGUSR1), 0);
    EXPECT_EQ(sigismember(&after, SIGALRM), 0);
    fact("%d: %u taken, %.12s", how, taken, order);
  }
  return check_failures != 0;
}
