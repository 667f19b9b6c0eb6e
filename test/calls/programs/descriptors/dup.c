/* dup, dup2, dup3, F_DUPFD, close_range: numbers, flags, shared offsets. */
#include "check.h"

/* In a table of its own; recorded, that is refused. What the others have stays open. */
static void *close_mine(void *fd) {
  (void)MAYBE_REFUSED(close_range(*(unsigned *)fd, *(unsigned *)fd, 2 /* CLOSE_RANGE_UNSHARE */));
  return NULL;
}

int main(void) {
  close_range(3, ~0u, 0); /* whatever was inherited */
  int fd = file_of("data", "0123456789");
  int base = fd;
  EXPECT_EQ(dup(fd), base + 1);
  EXPECT_EQ(RAW(SYS_dup2, fd, 50), 50);
  EXPECT_EQ(dup2(50, 50), 50);
  EXPECT_EQ(dup3(fd, 51, O_CLOEXEC), 51);
  EXPECT_EQ(fcntl(51, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(fcntl(50, F_GETFD), 0);
  EXPECT_ERR(dup3(fd, fd, 0), EINVAL);
  EXPECT_ERR(dup3(fd, 52, O_APPEND), EINVAL);
  EXPECT_ERR(dup(1000), EBADF);
  EXPECT_ERR(dup2(1000, 3), EBADF);
  EXPECT_ERR(dup2(fd, -1), EBADF);
  EXPECT_EQ(fcntl(fd, F_DUPFD, 50), 52);
  EXPECT_EQ(fcntl(fd, F_DUPFD_CLOEXEC, 10), 10);
  EXPECT_EQ(fcntl(10, F_GETFD), FD_CLOEXEC);
  EXPECT_ERR(fcntl(fd, F_DUPFD, -1), EINVAL);
  EXPECT_ERR(fcntl(fd, F_DUPFD, 100000000), EINVAL);

  char byte;
  for (int i = 0; i < 6; i++) {
    int at[] = {base, base + 1, 50, 51, 52, 10};
    EXPECT_EQ(read(at[i], &byte, 1), 1);
    EXPECT_EQ(byte, '0' + i);
  }
  EXPECT_EQ(fcntl(50, F_SETFL, O_NONBLOCK | O_APPEND), 0);
  EXPECT(fcntl(base, F_GETFL) & O_APPEND); /* status flags are shared, descriptor flags are not */
  EXPECT_EQ(fcntl(50, F_SETFD, FD_CLOEXEC), 0);
  EXPECT_EQ(fcntl(52, F_GETFD), 0);

  /* dup2 over an open descriptor closes what it was. */
  int pair[2];
  OK(pipe(pair));
  EXPECT_EQ(dup2(base, pair[1]), pair[1]);
  EXPECT_EQ(read(pair[0], &byte, 1), 0);

  EXPECT_EQ(close_range(50, 51, 0), 0);
  EXPECT_ERR(fcntl(50, F_GETFD), EBADF);
  EXPECT_EQ(fcntl(52, F_GETFD), 0);
  EXPECT_EQ(close_range(52, 52, 4), 0); /* CLOSE_RANGE_CLOEXEC */
  EXPECT_EQ(fcntl(52, F_GETFD), FD_CLOEXEC);
  EXPECT_ERR(close_range(5, 4, 0), EINVAL);
  EXPECT_ERR(close_range(60, 61, 0x80), EINVAL);
  EXPECT_EQ(close_range(3, ~0u, 0), 0);
  EXPECT_ERR(fcntl(base, F_GETFD), EBADF);
  EXPECT_ERR(fcntl(52, F_GETFD), EBADF);
  EXPECT_EQ(open("/dev/null", O_RDONLY), 3);
  closefrom(3);
  EXPECT_EQ(open("data", O_RDONLY), 3);
  for (int i = 3; i < 1024; i++) close(i); /* as daemons do */
  EXPECT_EQ(open("data", O_RDONLY), 3);
  EXPECT_EQ(read(3, &byte, 1), 1);
  unsigned still = 3;
  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, close_mine, &still), 0);
  EXPECT_EQ(pthread_join(thread, NULL), 0);
  EXPECT_EQ(fcntl(3, F_GETFD), 0);
  fact("after all was closed: %d %c", 3, byte);

  char *self = realpath("/proc/self/exe", NULL);
  EXPECT(self != NULL);
  EXPECT_ERR(syscall(SYS_fcntl, 3, 9999, 0), EINVAL);
  EXPECT_ERR(fcntl(1000, F_GETFL), EBADF);
  EXPECT_EQ(RAW(SYS_fcntl, 3, F_SETOWN, getpid()), 0);
  EXPECT_EQ(fcntl(3, F_GETOWN), getpid());
  int kept = dup(1);
  EXPECT_EQ(close(0), 0);
  EXPECT_EQ(open("data", O_RDONLY), 0);
  EXPECT(kept >= 0 && write(kept, "= written by a duplicate\n", 25) == 25);
  return finish();
}
