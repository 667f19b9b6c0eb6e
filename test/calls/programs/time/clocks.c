/* Every clock, by every call that reads one: what must hold between readings. */
#include "check.h"

static void one_clock(clockid_t id, const char *name) {
  struct timespec *t = (void *)guarded(sizeof *t), resolution;
  EXPECT_EQ(clock_gettime(id, t), 0);
  EXPECT(untouched((unsigned char *)t, sizeof *t));
  EXPECT(t->tv_nsec >= 0 && t->tv_nsec < 1000000000);
  long long before = t->tv_sec * 1000000000ll + t->tv_nsec;
  EXPECT(now_ns(id) >= before);
  EXPECT_EQ(RAW(SYS_clock_gettime, id, t), 0);
  EXPECT(t->tv_sec * 1000000000ll + t->tv_nsec >= before);
  EXPECT_EQ(clock_getres(id, &resolution), 0);
  EXPECT_EQ(RAW(SYS_clock_getres, id, &resolution), 0);
  EXPECT_EQ(clock_getres(id, NULL), 0);
  note("%s %lld resolution %ld", name, before, resolution.tv_nsec);
  fact("%s goes forward", name);
  release((unsigned char *)t);
}

int main(void) {
  one_clock(CLOCK_REALTIME, "realtime");
  one_clock(CLOCK_MONOTONIC, "monotonic");
  one_clock(CLOCK_PROCESS_CPUTIME_ID, "process");
  one_clock(CLOCK_THREAD_CPUTIME_ID, "thread");
  one_clock(CLOCK_MONOTONIC_RAW, "monotonic raw");
  one_clock(CLOCK_REALTIME_COARSE, "realtime coarse");
  one_clock(CLOCK_MONOTONIC_COARSE, "monotonic coarse");
  one_clock(CLOCK_BOOTTIME, "boottime");
  one_clock(CLOCK_TAI, "tai");

  clockid_t mine;
  EXPECT_EQ(clock_getcpuclockid(0, &mine), 0);
  EXPECT(now_ns(mine) > 0);
  EXPECT_EQ(pthread_getcpuclockid(pthread_self(), &mine), 0);
  EXPECT(now_ns(mine) > 0);

  struct timespec t;
  EXPECT_ERR(clock_gettime(77, &t), EINVAL);
  EXPECT_ERR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (void *)8), EFAULT);
  EXPECT_ERR(clock_getres(77, &t), EINVAL);

  struct timeval *tv = (void *)guarded(sizeof *tv);
  struct timezone *zone = (void *)guarded(sizeof *zone);
  EXPECT_EQ(gettimeofday(tv, NULL), 0);
  EXPECT(untouched((unsigned char *)tv, sizeof *tv));
  EXPECT(tv->tv_usec >= 0 && tv->tv_usec < 1000000);
  EXPECT_EQ(RAW(SYS_gettimeofday, tv, zone), 0);
  EXPECT(untouched((unsigned char *)tv, sizeof *tv));
  EXPECT(untouched((unsigned char *)zone, sizeof *zone));
  note("gettimeofday %ld.%06ld", (long)tv->tv_sec, (long)tv->tv_usec);

  time_t stored = 0, got = time(&stored);
  EXPECT_EQ(got, stored);
  long again = RAW(SYS_time, &stored);
  EXPECT_EQ(again, stored);
  EXPECT(again >= got - 1);
  EXPECT_EQ(RAW(SYS_time, 8), -EFAULT);
  note("time %ld", (long)got);

  /* Many readings: each one is in order, and the log carries every difference. */
  long long last = now_ns(CLOCK_MONOTONIC), sum = 0;
  for (int i = 0; i < 2000; i++) {
    long long next = now_ns(CLOCK_MONOTONIC);
    EXPECT(next >= last);
    sum += next - last;
    last = next;
  }
  note("2000 readings took %lld ns", sum);
  return finish();
}
