/* eventfd: counter, semaphore, limits, and waking a thread. */
#include "check.h"
#include <sys/eventfd.h>

static int wake;

static void *waker(void *unused) {
  (void)unused;
  usleep(2000);
  EXPECT_EQ(eventfd_write(wake, 5), 0);
  return NULL;
}

int main(void) {
  int fd = (int)OK(eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
  EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  unsigned char *buffer = guarded(16);
  EXPECT_EQ(read(fd, buffer, 16), 8);
  EXPECT_EQ(*(uint64_t *)buffer, 3);
  EXPECT(untouched(buffer, 8));
  EXPECT_ERR(read(fd, buffer, 8), EAGAIN);
  eventfd_t value = 7;
  EXPECT_EQ(write(fd, &value, 8), 8);
  EXPECT_EQ(write(fd, &value, 8), 8);
  EXPECT_EQ(eventfd_read(fd, &value), 0);
  EXPECT_EQ(value, 14);
  EXPECT_ERR(read(fd, buffer, 7), EINVAL);
  EXPECT_ERR(write(fd, buffer, 7), EINVAL);
  value = UINT64_MAX;
  EXPECT_ERR(write(fd, &value, 8), EINVAL);
  value = UINT64_MAX - 1;
  EXPECT_EQ(write(fd, &value, 8), 8);
  value = 1;
  EXPECT_ERR(write(fd, &value, 8), EAGAIN);
  struct pollfd ready = {.fd = fd, .events = POLLIN | POLLOUT};
  EXPECT_EQ(poll(&ready, 1, 0), 1);
  EXPECT_EQ(ready.revents, POLLIN);
  EXPECT_EQ(close(fd), 0);

  fd = (int)OK(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
  EXPECT_EQ(eventfd_read(fd, &value), 0);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(eventfd_read(fd, &value), 0);
  EXPECT_ERR(eventfd_read(fd, &value), EAGAIN);
  EXPECT_EQ(close(fd), 0);

  wake = (int)OK(syscall(SYS_eventfd, 0));
  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, waker, NULL), 0);
  EXPECT_EQ(eventfd_read(wake, &value), 0); /* blocks until the thread writes */
  EXPECT_EQ(value, 5);
  EXPECT_EQ(pthread_join(thread, NULL), 0);
  EXPECT_ERR(eventfd(0, 0x999), EINVAL);
  fact("eventfd counts");
  return finish();
}
