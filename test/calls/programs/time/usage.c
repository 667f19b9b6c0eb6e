/* times, getrusage and the adjusting calls, which are only asked, never used. */
#include "check.h"
#include <sys/times.h>
#include <sys/timex.h>

int main(void) {
  struct tms *used = (void *)guarded(sizeof *used);
  clock_t first = times(used);
  EXPECT(first != (clock_t)-1);
  EXPECT(untouched((unsigned char *)used, sizeof *used));
  EXPECT(times(NULL) >= first);
  EXPECT_EQ(RAW(SYS_times, 8), -EFAULT);
  note("times %ld user %ld", (long)first, (long)used->tms_utime);

  volatile unsigned long work = 0;
  for (int i = 0; i < 3000000; i++) work += (unsigned long)i;
  struct rusage *usage = (void *)guarded(sizeof *usage);
  int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD};
  for (size_t i = 0; i < LENGTH(whose); i++) {
    EXPECT_EQ(getrusage(whose[i], usage), 0);
    EXPECT(untouched((unsigned char *)usage, sizeof *usage));
    note("rusage %d: %ld.%06ld, %ld kB, %ld faults", whose[i], (long)usage->ru_utime.tv_sec,
         (long)usage->ru_utime.tv_usec, usage->ru_maxrss, usage->ru_minflt);
  }
  EXPECT_ERR(syscall(SYS_getrusage, 7, usage), EINVAL);
  EXPECT_ERR(syscall(SYS_getrusage, RUSAGE_SELF, 8), EFAULT);
  note("clock() %ld", (long)clock());

  struct timex state = {.modes = 0}, second = {.modes = 0};
  EXPECT(adjtimex(&state) >= 0);
  EXPECT(clock_adjtime(CLOCK_REALTIME, &second) >= 0);
  EXPECT_EQ(second.tick, state.tick);
  note("frequency %ld tick %ld", state.freq, state.tick);
  EXPECT_ERR(clock_adjtime(CLOCK_MONOTONIC, &second), EOPNOTSUPP);
  EXPECT_ERR(syscall(SYS_adjtimex, 8), EFAULT);

  /* Setting the clock: only with arguments that cannot set it. */
  struct timespec t = {.tv_nsec = -1};
  EXPECT_REFUSABLE(clock_settime(CLOCK_MONOTONIC, &t), EINVAL, EPERM);
  EXPECT_REFUSABLE(clock_settime(77, &t), EINVAL, EPERM);
  EXPECT_REFUSABLE(syscall(SYS_settimeofday, 8, 0), EFAULT, EPERM);

  time_t when = 1700000000;
  struct tm *utc = gmtime(&when);
  fact("gmtime %d-%02d-%02d", utc->tm_year + 1900, utc->tm_mon + 1, utc->tm_mday);
  return finish();
}
