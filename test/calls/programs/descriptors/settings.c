/* What is set on descriptors and asked again: pipes' sizes, vectored calls with flags, exclusive
 * epoll, poll's events, watches, signals as a descriptor. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static void pipes(void) {
  int ends[2];
  OK(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
  EXPECT_EQ(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
  EXPECT_EQ(fcntl(ends[0], F_GETPIPE_SZ), 4096);
  char page[4096] = {1};
  EXPECT_EQ(write(ends[1], page, sizeof page), 4096);
  EXPECT_ERR(write(ends[1], page, 1), EAGAIN);
  EXPECT_EQ(fcntl(ends[1], F_SETPIPE_SZ, 65536), 65536);
  EXPECT_EQ(write(ends[1], page, 100), 100);
  EXPECT_EQ(read(ends[0], page, sizeof page), 4096);
  EXPECT_EQ(fcntl(ends[0], F_SETFL, 0), 0);
  EXPECT_EQ(read(ends[0], page, sizeof page), 100);
  struct pollfd both[3] = {{ends[0], POLLIN, 0}, {ends[1], POLLOUT | POLLIN, 0}, {-1, POLLIN, 7}};
  EXPECT_EQ(poll(both, 3, 0), 1);
  EXPECT(both[0].revents == 0 && both[1].revents == POLLOUT && both[2].revents == 0);
  close(ends[1]);
  both[1].fd = 1000;
  EXPECT_EQ(poll(both, 3, 0), 2);
  EXPECT(both[0].revents == POLLHUP && both[1].revents == POLLNVAL);
}

static void vectors(void) {
  int file = file_of("vectored", "0123456789");
  char text[16] = {0};
  struct iovec parts[2] = {{text, 3}, {text + 4, 3}};
  EXPECT_EQ(preadv2(file, parts, 2, 2, RWF_HIPRI), 6);
  EXPECT_EQ(preadv2(file, parts, 2, -1, 0), 6);
  EXPECT_EQ(lseek(file, 0, SEEK_CUR), 6);
  EXPECT_EQ(pwritev2(file, parts, 1, 0, RWF_APPEND), 3);
  EXPECT_EQ(pwritev2(file, parts, 1, -1, RWF_DSYNC), 3);
  EXPECT_ERR(preadv2(file, parts, 2, 0, 0x4000000), EOPNOTSUPP);
  EXPECT_EQ(pread(file, text, 15, 0), 13);
  fact("vectored: %.13s", text);
}

static void watches(void) {
  int at = (int)OK(epoll_create1(0)), ends[2];
  OK(pipe(ends));
  struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u32 = 1}, got[4];
  EXPECT_EQ(epoll_ctl(at, EPOLL_CTL_ADD, ends[0], &event), 0);
  EXPECT_ERR(epoll_ctl(at, EPOLL_CTL_MOD, ends[0], &event), EINVAL);
  int watch = (int)OK(inotify_init1(IN_NONBLOCK));
  EXPECT(inotify_add_watch(watch, ".", IN_CREATE) >= 0);
  event = (struct epoll_event){.events = EPOLLIN | EPOLLET, .data.u32 = 2};
  EXPECT_EQ(epoll_ctl(at, EPOLL_CTL_ADD, watch, &event), 0);
  close(file_of("made", ""));
  EXPECT_EQ(epoll_wait(at, got, 4, 1000), 1);
  EXPECT_EQ(got[0].data.u32, 2);
  EXPECT_EQ(epoll_wait(at, got, 4, 0), 0);
  char events[256] __attribute__((aligned(8)));
  EXPECT(read(watch, events, sizeof events) > 0);
  EXPECT_EQ(strcmp(((struct inotify_event *)events)->name, "made"), 0);

  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  EXPECT_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
  int signals = (int)OK(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  event = (struct epoll_event){.events = EPOLLIN | EPOLLONESHOT, .data.u32 = 3};
  EXPECT_EQ(epoll_ctl(at, EPOLL_CTL_ADD, signals, &event), 0);
  EXPECT_EQ(kill(getpid(), SIGUSR1), 0);
  EXPECT_EQ(epoll_wait(at, got, 4, 1000), 1);
  EXPECT_EQ(got[0].data.u32, 3);
  struct signalfd_siginfo info;
  EXPECT_EQ(read(signals, &info, sizeof info), sizeof info);
  EXPECT_EQ(info.ssi_signo, SIGUSR1);
  EXPECT_EQ(info.ssi_pid, getpid());
  EXPECT_ERR(read(signals, &info, sizeof info), EAGAIN);

  int timer = (int)OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  struct itimerspec soon = {.it_value.tv_nsec = 1000000}, left;
  EXPECT_EQ(timerfd_settime(timer, 0, &soon, NULL), 0);
  struct pollfd ready = {timer, POLLIN, 0};
  EXPECT_EQ(ppoll(&ready, 1, &(struct timespec){5, 0}, &set), 1);
  uint64_t times = 0;
  EXPECT_EQ(read(timer, &times, 8), 8);
  EXPECT_EQ(times, 1);
  EXPECT_EQ(timerfd_gettime(timer, &left), 0);
  EXPECT_EQ(left.it_value.tv_nsec, 0);
}

int main(void) {
  pipes();
  vectors();
  watches();
  return finish();
}
