/* epoll: level, edge, one-shot, data returned, changes, nesting, time-outs, a thread that wakes. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int wake;
static void *waker(void *unused) {
  (void)unused;
  usleep(2000);
  EXPECT_EQ(eventfd_write(wake, 1), 0);
  return NULL;
}

static void add(int at, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data.u64 = data};
  EXPECT_EQ(epoll_ctl(at, EPOLL_CTL_ADD, fd, &event), 0);
}

int main(void) {
  int old = (int)OK(syscall(SYS_epoll_create, 1));
  EXPECT_EQ(close(old), 0);
  EXPECT_ERR(syscall(SYS_epoll_create, 0), EINVAL);
  EXPECT_ERR(epoll_create1(0x99), EINVAL);
  int at = (int)OK(epoll_create1(EPOLL_CLOEXEC)), level[2], edge[2], once[2];
  EXPECT_EQ(fcntl(at, F_GETFD), FD_CLOEXEC);
  OK(pipe2(level, O_NONBLOCK));
  OK(pipe2(edge, O_NONBLOCK));
  OK(pipe2(once, O_NONBLOCK));
  add(at, level[0], EPOLLIN, 0x1111222233334444);
  add(at, edge[0], EPOLLIN | EPOLLET, 2);
  add(at, once[0], EPOLLIN | EPOLLONESHOT, 3);
  struct epoll_event *events = (void *)guarded(4 * sizeof *events), event = {.events = EPOLLIN};
  EXPECT_EQ(epoll_wait(at, events, 4, 0), 0);
  long long before = now_ns(CLOCK_MONOTONIC);
  EXPECT_EQ(epoll_wait(at, events, 4, 4), 0);
  EXPECT(now_ns(CLOCK_MONOTONIC) - before >= 3900000);
  EXPECT(untouched((unsigned char *)events, 0));

  EXPECT_EQ(write(level[1], "x", 1), 1);
  EXPECT_EQ(epoll_wait(at, events, 4, -1), 1);
  EXPECT_EQ(events[0].data.u64, 0x1111222233334444);
  EXPECT_EQ(events[0].events, EPOLLIN);
  EXPECT(untouched((unsigned char *)events, sizeof *events)); /* events are packed: 12 bytes */
  EXPECT_EQ(write(edge[1], "x", 1), 1);
  EXPECT_EQ(write(once[1], "x", 1), 1);
  EXPECT_EQ(epoll_wait(at, events, 4, 1000), 3);
  fact("order %d %d %d", (int)events[0].data.u32, (int)events[1].data.u32, (int)events[2].data.u32);
  EXPECT_EQ(epoll_wait(at, events, 4, 0), 1); /* the level-triggered one alone comes again */
  EXPECT_EQ(write(edge[1], "y", 1), 1);
  EXPECT_EQ(write(once[1], "y", 1), 1);
  EXPECT_EQ(epoll_wait(at, events, 4, 0), 2);
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.u64 = 33;
  EXPECT_EQ(epoll_ctl(at, EPOLL_CTL_MOD, once[0], &event), 0);
  EXPECT_EQ(epoll_wait(at, events, 4, 0), 2);
  EXPECT_EQ(epoll_wait(at, events, 1, 0), 1);

  EXPECT_EQ(epoll_ctl(at, EPOLL_CTL_DEL, level[0], NULL), 0);
  EXPECT_ERR(epoll_ctl(at, EPOLL_CTL_DEL, level[0], NULL), ENOENT);
  EXPECT_ERR(epoll_ctl(at, EPOLL_CTL_ADD, once[0], &event), EEXIST);
  EXPECT_ERR(epoll_ctl(at, EPOLL_CTL_ADD, 1000, &event), EBADF);
  EXPECT_ERR(epoll_ctl(1000, EPOLL_CTL_ADD, 0, &event), EBADF);
  EXPECT_ERR(epoll_ctl(at, EPOLL_CTL_ADD, at, &event), EINVAL);
  EXPECT_ERR(epoll_ctl(at, EPOLL_CTL_ADD, file_of("f", "x"), &event), EPERM);
  EXPECT_ERR(epoll_ctl(at, 9, level[0], &event), EINVAL);
  EXPECT_ERR(epoll_wait(at, events, 0, 0), EINVAL);
  EXPECT_ERR(epoll_wait(0, events, 1, 0), EINVAL);
  EXPECT_ERR(syscall(SYS_epoll_ctl, at, EPOLL_CTL_ADD, level[0], 8), EFAULT);

  add(at, level[0], EPOLLIN, 5);
  EXPECT_EQ(close(level[0]), 0); /* closing takes it out of the interest list */
  EXPECT_EQ(close(edge[1]), 0);
  EXPECT_EQ(epoll_wait(at, events, 4, 1000), 1);
  EXPECT(events[0].events & EPOLLHUP);
  EXPECT_EQ(events[0].data.u64, 2);

  wake = (int)OK(eventfd(0, 0));
  int outer = (int)OK(epoll_create1(0));
  add(at, wake, EPOLLIN, 6);
  add(outer, at, EPOLLIN, 7);
  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, waker, NULL), 0);
  EXPECT_EQ(epoll_wait(outer, events, 4, 5000), 1);
  EXPECT_EQ(events[0].data.u64, 7);
  sigset_t none;
  sigemptyset(&none);
  EXPECT_EQ(epoll_pwait(at, events, 4, 1000, &none), 1);
  EXPECT_EQ(events[0].data.u64, 6);
  EXPECT_EQ(pthread_join(thread, NULL), 0);
  struct timespec limit = {.tv_nsec = 2000000};
  EXPECT_EQ(RAW(SYS_epoll_pwait2, at, events, 4, &limit, 0, 0), 1);
  EXPECT_EQ(close(wake), 0);
  EXPECT_EQ(RAW(SYS_epoll_pwait2, at, events, 4, &limit, 0, 0), 0);
  return finish();
}
