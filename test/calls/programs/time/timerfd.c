/* timerfd: expirations counted, would-block, absolute times, and readiness. */
#include "check.h"
#include <sys/timerfd.h>

int main(void) {
  int fd = (int)OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  EXPECT(fcntl(fd, F_GETFL) & O_NONBLOCK);
  unsigned char *buffer = guarded(16);
  EXPECT_ERR(read(fd, buffer, 8), EAGAIN);
  EXPECT(untouched(buffer, 0));

  struct itimerspec value = {.it_value = {.tv_nsec = 3000000}, .it_interval = {.tv_nsec = 1000000}};
  struct itimerspec *old = (void *)guarded(sizeof *old);
  EXPECT_EQ(timerfd_settime(fd, 0, &value, old), 0);
  EXPECT_EQ(old->it_value.tv_sec, 0);
  EXPECT_EQ(old->it_value.tv_nsec, 0);
  EXPECT(untouched((unsigned char *)old, sizeof *old));
  EXPECT_EQ(timerfd_gettime(fd, old), 0);
  EXPECT_EQ(old->it_interval.tv_nsec, 1000000);
  note("left %ld", old->it_value.tv_nsec);

  struct pollfd ready = {.fd = fd, .events = POLLIN};
  uint64_t total = 0, times = 0;
  while (times < 4) {
    EXPECT_EQ(poll(&ready, 1, 5000), 1);
    EXPECT_EQ(ready.revents, POLLIN);
    EXPECT_EQ(read(fd, buffer, 16), 8);
    uint64_t expirations;
    memcpy(&expirations, buffer, 8);
    EXPECT(expirations >= 1);
    EXPECT(untouched(buffer, 8));
    total += expirations;
    times++;
  }
  EXPECT_ERR(read(fd, buffer, 7), EINVAL);
  note("expired %lu times in 4 reads", (unsigned long)total);

  value = (struct itimerspec){0};
  EXPECT_EQ(timerfd_settime(fd, 0, &value, old), 0);
  EXPECT_EQ(old->it_interval.tv_nsec, 1000000);
  EXPECT_ERR(read(fd, buffer, 8), EAGAIN);
  EXPECT_EQ(close(fd), 0);

  fd = (int)OK(timerfd_create(CLOCK_REALTIME, 0));
  long long at = now_ns(CLOCK_REALTIME) + 3000000;
  value.it_value = (struct timespec){at / 1000000000, at % 1000000000};
  EXPECT_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &value, NULL), 0);
  EXPECT_EQ(read(fd, buffer, 8), 8); /* blocks until then */
  EXPECT(now_ns(CLOCK_REALTIME) >= at - 1000000);
  EXPECT_EQ(close(fd), 0);

  EXPECT_ERR(timerfd_create(77, 0), EINVAL);
  EXPECT_ERR(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
  EXPECT_ERR(timerfd_settime(99, 0, &value, NULL), EBADF);
  EXPECT_ERR(timerfd_settime(0, 0, &value, NULL), EINVAL);
  EXPECT_ERR(timerfd_gettime(99, old), EBADF);
  return finish();
}
