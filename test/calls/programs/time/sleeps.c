/* nanosleep and clock_nanosleep: at least as long as asked, the remainder after a signal, and what
 * is refused. */
#include "check.h"

static void on_alarm(int number) { (void)number; }

static void alarm_in(long microseconds) {
  /* Again and again: the first may come before the call that it is to interrupt. */
  struct itimerval value = {{.tv_usec = microseconds}, {.tv_usec = microseconds}};
  EXPECT_EQ(setitimer(ITIMER_REAL, &value, NULL), 0);
}

int main(void) {
  struct timespec ask = {.tv_nsec = 3000000}, *left = (void *)guarded(sizeof *left);

  long long before = now_ns(CLOCK_MONOTONIC);
  EXPECT_EQ(nanosleep(&ask, left), 0);
  long long took = now_ns(CLOCK_MONOTONIC) - before;
  EXPECT(took >= 3000000);
  EXPECT(untouched((unsigned char *)left, 0)); /* the remainder is written after a signal only */
  note("nanosleep took %lld", took);

  before = now_ns(CLOCK_MONOTONIC);
  EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ask, NULL), 0);
  EXPECT(now_ns(CLOCK_MONOTONIC) - before >= 3000000);

  before = now_ns(CLOCK_MONOTONIC) + 4000000;
  struct timespec until = {before / 1000000000, before % 1000000000};
  EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
  EXPECT(now_ns(CLOCK_MONOTONIC) >= before);
  EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
  EXPECT_EQ(clock_nanosleep(CLOCK_REALTIME, 0, &ask, NULL), 0);
  fact("sleeps are long enough");

  struct sigaction action = {.sa_handler = on_alarm};
  EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
  struct timespec lengthy = {.tv_sec = 5};
  alarm_in(5000);
  EXPECT_ERR(nanosleep(&lengthy, left), EINTR);
  EXPECT(untouched((unsigned char *)left, sizeof *left));
  EXPECT(left->tv_sec == 4 || (left->tv_sec == 5 && left->tv_nsec == 0));
  note("left %ld.%09ld", (long)left->tv_sec, left->tv_nsec);

  alarm_in(5000);
  EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &lengthy, left), EINTR);
  EXPECT(left->tv_sec == 4);
  memset(left, 0xa5, sizeof *left);
  before = now_ns(CLOCK_MONOTONIC) + 5000000000;
  until = (struct timespec){before / 1000000000, before % 1000000000};
  alarm_in(5000);
  EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, left), EINTR);
  EXPECT(untouched((unsigned char *)left, 0)); /* an absolute sleep has no remainder */
  fact("a signal ends a sleep");

  /* SA_RESTART does not restart a sleep. */
  action.sa_flags = SA_RESTART;
  EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
  alarm_in(5000);
  EXPECT_ERR(nanosleep(&lengthy, left), EINTR);
  alarm_in(5000);
  EXPECT(sleep(3) >= 2);
  alarm_in(0);
  EXPECT_EQ(usleep(1000), 0);

  EXPECT_ERR(nanosleep(&(struct timespec){.tv_nsec = 1000000000}, NULL), EINVAL);
  EXPECT_ERR(nanosleep(&(struct timespec){.tv_sec = -1}, NULL), EINVAL);
  EXPECT_ERR(syscall(SYS_nanosleep, 8, NULL), EFAULT);
  EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC_RAW, 0, &ask, NULL), EOPNOTSUPP);
  EXPECT_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ask, NULL), EINVAL);
  EXPECT_EQ(clock_nanosleep(77, 0, &ask, NULL), EINVAL);
  return finish();
}
