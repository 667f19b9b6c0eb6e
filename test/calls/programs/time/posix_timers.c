/* timer_create and its family, with the value delivered in the signal, and overruns. */
#include "check.h"

static volatile sig_atomic_t fired, carried, code;

static void on_timer(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  carried = info->si_value.sival_int;
  code = info->si_code;
  fired++;
}

static void *threaded_done;
static void on_thread(union sigval value) {
  __atomic_store_n(&threaded_done, value.sival_ptr, __ATOMIC_SEQ_CST);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};
  EXPECT_EQ(sigaction(SIGRTMIN + 2, &action, NULL), 0);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2,
                           .sigev_value.sival_int = 4711};
  timer_t timer;
  EXPECT_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);

  struct itimerspec value = {.it_value = {.tv_sec = 60}, .it_interval = {.tv_nsec = 1000000}};
  struct itimerspec *old = (void *)guarded(sizeof *old);
  EXPECT_EQ(timer_settime(timer, 0, &value, NULL), 0);
  EXPECT_EQ(timer_gettime(timer, old), 0);
  EXPECT(untouched((unsigned char *)old, sizeof *old));
  EXPECT_EQ(old->it_interval.tv_nsec, 1000000);
  EXPECT(old->it_value.tv_sec == 59 || old->it_value.tv_sec == 60);
  note("left %ld.%09ld", (long)old->it_value.tv_sec, old->it_value.tv_nsec);

  value.it_value = (struct timespec){.tv_nsec = 2000000};
  EXPECT_EQ(timer_settime(timer, 0, &value, old), 0);
  while (fired < 3) pause();
  EXPECT_EQ(carried, 4711);
  EXPECT_EQ(code, SI_TIMER);
  int overrun = timer_getoverrun(timer);
  EXPECT(overrun >= 0);
  note("fired %d overrun %d", (int)fired, overrun);
  EXPECT_EQ(timer_delete(timer), 0);
  EXPECT_ERR(syscall(SYS_timer_gettime, 12345, old), EINVAL);
  EXPECT_ERR(syscall(SYS_timer_delete, 12345), EINVAL);
  EXPECT_ERR(syscall(SYS_timer_getoverrun, 12345), EINVAL);
  EXPECT_ERR(syscall(SYS_timer_settime, 12345, 0, &value, NULL), EINVAL);
  EXPECT_ERR(timer_create(77, &event, &timer), EINVAL);
  fact("a timer's signal carries its value");

  event = (struct sigevent){.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_thread,
                            .sigev_value.sival_ptr = &event};
  EXPECT_EQ(timer_create(CLOCK_REALTIME, &event, &timer), 0);
  value = (struct itimerspec){.it_value = {.tv_nsec = 1000000}};
  EXPECT_EQ(timer_settime(timer, 0, &value, NULL), 0);
  while (!__atomic_load_n(&threaded_done, __ATOMIC_SEQ_CST)) usleep(500);
  EXPECT(threaded_done == &event);
  EXPECT_EQ(timer_delete(timer), 0);
  fact("a timer's thread ran");

  event = (struct sigevent){.sigev_notify = SIGEV_NONE};
  EXPECT_EQ(timer_create(CLOCK_BOOTTIME, &event, &timer), 0);
  EXPECT_EQ(timer_settime(timer, TIMER_ABSTIME, &value, NULL), 0);
  EXPECT_EQ(timer_gettime(timer, old), 0);
  EXPECT_EQ(old->it_value.tv_sec, 0);
  EXPECT_EQ(timer_delete(timer), 0);
  return finish();
}
