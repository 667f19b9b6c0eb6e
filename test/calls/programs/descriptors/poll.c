/* poll and ppoll: what is ready, what is not, time-outs, bad numbers, signals. */
#include "check.h"

static volatile sig_atomic_t alarms;
static void on_alarm(int number) { (void)number, alarms++; }

int main(void) {
  int a[2], b[2];
  OK(pipe(a));
  OK(pipe(b));
  struct pollfd *set = (void *)guarded(5 * sizeof *set);
  set[0] = (struct pollfd){a[0], POLLIN, 0x55};
  set[1] = (struct pollfd){a[1], POLLOUT, 0x55};
  set[2] = (struct pollfd){-1, POLLIN, 0x55};
  set[3] = (struct pollfd){1000, POLLIN, 0x55};
  set[4] = (struct pollfd){b[0], POLLIN, 0x55};
  EXPECT_EQ(poll(set, 5, 0), 2);
  EXPECT_EQ(set[0].revents, 0);
  EXPECT_EQ(set[1].revents, POLLOUT);
  EXPECT_EQ(set[2].revents, 0);
  EXPECT_EQ(set[3].revents, POLLNVAL);
  EXPECT_EQ(set[4].revents, 0);
  EXPECT(untouched((unsigned char *)set, 5 * sizeof *set));

  long long before = now_ns(CLOCK_MONOTONIC);
  EXPECT_EQ(poll(set, 1, 5), 0);
  EXPECT(now_ns(CLOCK_MONOTONIC) - before >= 4900000);
  EXPECT_EQ(write(a[1], "x", 1), 1);
  EXPECT_EQ(poll(set, 1, -1), 1);
  EXPECT_EQ(set[0].revents, POLLIN);
  close(b[1]);
  EXPECT_EQ(poll(set + 4, 1, 1000), 1);
  EXPECT_EQ(set[4].revents, POLLHUP);
  int c[2];
  OK(pipe(c));
  close(c[0]);
  set[4] = (struct pollfd){c[1], POLLOUT, 0};
  EXPECT_EQ(poll(set + 4, 1, 1000), 1);
  EXPECT(set[4].revents & POLLERR);
  EXPECT_EQ(poll(NULL, 0, 1), 0);
  EXPECT_ERR(syscall(SYS_poll, 8, 1, 0), EFAULT);
  EXPECT_ERR(syscall(SYS_poll, set, 1u << 30, 0), EINVAL);
  int file = file_of("data", "x");
  set[4] = (struct pollfd){file, POLLIN | POLLOUT, 0};
  EXPECT_EQ(poll(set + 4, 1, 0), 1);
  EXPECT_EQ(set[4].revents, POLLIN | POLLOUT);
  fact("poll tells what is ready");

  char byte;
  EXPECT_EQ(read(a[0], &byte, 1), 1);
  struct timespec limit = {.tv_nsec = 3000000};
  EXPECT_EQ(ppoll(set, 1, &limit, NULL), 0);
  EXPECT_EQ(limit.tv_nsec, 3000000); /* libc hides the remaining time ... */
  EXPECT_EQ(RAW(SYS_ppoll, set, 1, &limit, 0, 8), 0);
  EXPECT_EQ(limit.tv_nsec, 0); /* ... that the kernel writes back */
  limit.tv_nsec = 2000000000;
  EXPECT_ERR(ppoll(set, 1, &limit, NULL), EINVAL);

  struct sigaction action = {.sa_handler = on_alarm};
  EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
  struct itimerval timer = {{.tv_usec = 3000}, {.tv_usec = 3000}}, never = {{0, 0}, {0, 0}};
  EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
  EXPECT_ERR(poll(set, 1, 5000), EINTR);
  EXPECT_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
  EXPECT(alarms >= 1);
  alarms = 1;
  timer.it_interval.tv_usec = 0;

  /* Blocked but for the time of ppoll: it comes there and nowhere else. */
  sigset_t block, empty;
  sigemptyset(&empty);
  sigemptyset(&block);
  sigaddset(&block, SIGALRM);
  EXPECT_EQ(sigprocmask(SIG_BLOCK, &block, NULL), 0);
  EXPECT_EQ(raise(SIGALRM), 0);
  EXPECT_EQ(alarms, 1);
  EXPECT_ERR(ppoll(set, 1, NULL, &empty), EINTR);
  EXPECT_EQ(alarms, 2);
  EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
  EXPECT_ERR(ppoll(set, 1, NULL, &empty), EINTR);
  EXPECT_EQ(alarms, 3);
  EXPECT_EQ(write(a[1], "x", 1), 1);
  EXPECT_EQ(ppoll(set, 1, NULL, &empty), 1);
  fact("alarms %d", (int)alarms);
  return finish();
}
