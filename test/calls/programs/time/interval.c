/* setitimer, getitimer, alarm and pause: old values returned, expiry counted, the loop goes on. */
#include "check.h"

static volatile sig_atomic_t alarms, profiles, virtuals;

static void count(int number) {
  if (number == SIGALRM) alarms++;
  if (number == SIGPROF) profiles++;
  if (number == SIGVTALRM) virtuals++;
}

static void burn(volatile sig_atomic_t *until, int times) {
  volatile unsigned long work = 0;
  while (*until < times) {
    for (int i = 0; i < 10000; i++) work += (unsigned long)i;
    getppid(); /* a call: the place where a recorded signal is delivered */
  }
}

int main(void) {
  struct sigaction action = {.sa_handler = count};
  EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
  EXPECT_EQ(sigaction(SIGPROF, &action, NULL), 0);
  EXPECT_EQ(sigaction(SIGVTALRM, &action, NULL), 0);

  EXPECT_EQ(alarm(100), 0);
  unsigned left = alarm(0);
  EXPECT(left == 100 || left == 99);
  EXPECT_EQ(alarm(0), 0);

  struct itimerval value = {.it_value = {.tv_sec = 50}, .it_interval = {.tv_usec = 2000}};
  struct itimerval *old = (void *)guarded(sizeof *old);
  EXPECT_EQ(setitimer(ITIMER_REAL, &value, NULL), 0);
  EXPECT_EQ(getitimer(ITIMER_REAL, old), 0);
  EXPECT(untouched((unsigned char *)old, sizeof *old));
  EXPECT_EQ(old->it_interval.tv_usec, 2000);
  EXPECT(old->it_value.tv_sec == 49 || old->it_value.tv_sec == 50);
  note("left %ld.%06ld", (long)old->it_value.tv_sec, (long)old->it_value.tv_usec);
  value.it_value = (struct timeval){.tv_usec = 2000};
  EXPECT_EQ(setitimer(ITIMER_REAL, &value, old), 0);
  EXPECT(old->it_value.tv_sec >= 49);
  while (alarms < 5) pause();
  burn(&alarms, 8);
  value = (struct itimerval){0};
  EXPECT_EQ(setitimer(ITIMER_REAL, &value, old), 0);
  EXPECT_EQ(old->it_interval.tv_usec, 2000);
  fact("an interval timer repeats");

  value.it_value.tv_usec = 4000;
  EXPECT_EQ(setitimer(ITIMER_PROF, &value, NULL), 0);
  burn(&profiles, 1);
  EXPECT_EQ(setitimer(ITIMER_VIRTUAL, &value, NULL), 0);
  burn(&virtuals, 1);
  fact("timers of consumed time expire");
  note("alarms %d", (int)alarms);

  value.it_value.tv_usec = value.it_interval.tv_usec = 3000;
  EXPECT_EQ(setitimer(ITIMER_REAL, &value, NULL), 0);
  EXPECT_ERR(syscall(SYS_pause), EINTR);
  value = (struct itimerval){0};
  EXPECT_EQ(setitimer(ITIMER_REAL, &value, NULL), 0);
  EXPECT_ERR(syscall(SYS_getitimer, 9, old), EINVAL);
  EXPECT_ERR(syscall(SYS_getitimer, ITIMER_REAL, 8), EFAULT);
  EXPECT_ERR(syscall(SYS_setitimer, 9, &value, NULL), EINVAL);
  value.it_value.tv_usec = 1000000;
  EXPECT_ERR(setitimer(ITIMER_REAL, &value, NULL), EINVAL);
  return finish();
}
