/* inotify: events of files the program itself changes, in order, with names. */
#include "check.h"
#include <sys/inotify.h>
#include <sys/ioctl.h>

int main(void) {
  int old = (int)OK(syscall(SYS_inotify_init));
  EXPECT_EQ(close(old), 0);
  int fd = (int)OK(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  OK(mkdir("watched", 0755));
  unsigned char *buffer = guarded(4096);
  EXPECT_ERR(read(fd, buffer, 4096), EAGAIN);
  uint32_t wanted = IN_CREATE | IN_DELETE | IN_MODIFY | IN_MOVE;
  int watch = (int)OK(inotify_add_watch(fd, "watched", wanted));
  fact("watch %d", watch);
  close(file_of("watched/one", "x"));
  EXPECT_EQ(rename("watched/one", "watched/two"), 0);
  EXPECT_EQ(unlink("watched/two"), 0);

  struct pollfd ready = {.fd = fd, .events = POLLIN};
  EXPECT_EQ(poll(&ready, 1, 1000), 1);
  int waiting = 0;
  EXPECT_EQ(ioctl(fd, FIONREAD, &waiting), 0);
  EXPECT_ERR(read(fd, buffer, 10), EINVAL);
  long got = OK(read(fd, buffer, 4096));
  EXPECT_EQ(got, waiting);
  EXPECT(untouched(buffer, (size_t)got));
  uint32_t cookie = 0;
  for (long at = 0; at < got;) {
    struct inotify_event *event = (void *)(buffer + at);
    EXPECT_EQ(event->wd, watch);
    fact("event %x %s", event->mask, event->name);
    if (event->mask & IN_MOVED_FROM) cookie = event->cookie;
    if (event->mask & IN_MOVED_TO) EXPECT_EQ(event->cookie, cookie);
    at += (long)(sizeof *event + event->len);
  }
  note("cookie %u", cookie);
  EXPECT_EQ(inotify_rm_watch(fd, watch), 0);
  got = OK(read(fd, buffer, 4096));
  EXPECT_EQ(got, sizeof(struct inotify_event));
  EXPECT_EQ(((struct inotify_event *)buffer)->mask, IN_IGNORED);
  EXPECT_ERR(inotify_rm_watch(fd, watch), EINVAL);
  EXPECT_ERR(inotify_add_watch(fd, "absent", IN_CREATE), ENOENT);
  EXPECT_ERR(inotify_add_watch(0, ".", IN_CREATE), EINVAL);
  EXPECT_ERR(inotify_add_watch(1000, ".", IN_CREATE), EBADF);
  EXPECT_ERR(inotify_init1(0x99), EINVAL);
  return finish();
}
