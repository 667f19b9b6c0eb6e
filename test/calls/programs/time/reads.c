/* Reads of the time that follow one another share a record: in all sorts, in numbers around what
 * fits into one, between other calls, in threads that take turns, and under a timer's signals. */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

static volatile int ticks;
static volatile long long seen;

static long long read_one(int which) {
  struct timespec t;
  struct timeval v;
  time_t s;
  switch (which % 4) {
    case 0: clock_gettime(CLOCK_REALTIME, &t); return t.tv_sec * 1000000000ll + t.tv_nsec;
    case 1: gettimeofday(&v, NULL); return v.tv_sec * 1000000ll + v.tv_usec;
    case 2: return time(&s) == s ? s : -1;
    default: clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ll + t.tv_nsec;
  }
}

static void on_tick(int signal) {
  (void)signal;
  ticks++;
  for (int i = 0; i < 3; i++) seen += read_one(i);
}

static void *turns(void *argument) {
  long long sum = 0, from = (long)argument;
  for (int i = 0; i < 500; i++) {
    sum = sum * 31 + read_one((int)from + i);
    if (i % 7 == 0) RAW(SYS_getppid);
    if (i % 50 == 0) sched_yield();
  }
  note("%lld", sum);
  return NULL;
}

int main(void) {
  static const int numbers[] = {1, 2, 63, 64, 65, 127, 128, 129, 300};
  long long sum = 0;
  for (unsigned n = 0; n < sizeof numbers / sizeof *numbers; n++) {
    for (int i = 0; i < numbers[n]; i++) sum = sum * 31 + read_one(i);
    RAW(SYS_getpid);
  }
  note("%lld", sum);

  pthread_t threads[3];
  for (long i = 0; i < 3; i++) EXPECT_EQ(pthread_create(&threads[i], NULL, turns, (void *)i), 0);
  for (int i = 0; i < 3; i++) EXPECT_EQ(pthread_join(threads[i], NULL), 0);

  struct itimerval each_ms = {{0, 1000}, {0, 1000}}, none = {{0, 0}, {0, 0}};
  signal(SIGALRM, on_tick);
  EXPECT_EQ(setitimer(ITIMER_REAL, &each_ms, NULL), 0);
  for (int i = 0; ticks < 20 && i < 20000000; i++) sum = sum * 31 + read_one(i);
  EXPECT_EQ(setitimer(ITIMER_REAL, &none, NULL), 0);
  EXPECT(ticks >= 20);
  note("%lld %lld", sum, seen);
  fact("reads");
  return finish();
}
