/* flock, record locks and open-file-description locks, held against a child. */
#include "check.h"
#include <sys/file.h>

static int in_child(int (*body)(void)) {
  pid_t child = fork();
  if (child == 0) _exit(body());
  return ended(child);
}

static int try_flock(void) {
  int fd = open("lock", O_RDWR);
  return flock(fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK ? 10 : 11;
}

static int try_record(void) {
  int fd = open("lock", O_RDWR);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 10};
  if (fcntl(fd, F_SETLK, &lock) != -1 || (errno != EAGAIN && errno != EACCES)) return 11;
  if (fcntl(fd, F_GETLK, &lock) != 0) return 12;
  if (lock.l_type != F_WRLCK || lock.l_start != 0 || lock.l_len != 8) return 13;
  return lock.l_pid == getppid() ? 10 : 14;
}

static int free_range(void) {
  int fd = open("lock", O_RDWR);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 8, .l_len = 10};
  return fcntl(fd, F_SETLK, &lock) == 0 ? 10 : 11;
}

static int wait_for_lock(void) {
  int fd = open("lock", O_RDWR);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 8};
  return fcntl(fd, F_SETLKW, &lock) == 0 ? 10 : 11;
}

int main(void) {
  int fd = file_of("lock", "01234567890123456789");
  EXPECT_EQ(flock(fd, LOCK_SH), 0);
  EXPECT_EQ(in_child(try_flock), 10);
  EXPECT_EQ(flock(fd, LOCK_EX), 0);
  EXPECT_EQ(in_child(try_flock), 10);
  EXPECT_EQ(flock(fd, LOCK_UN), 0);
  EXPECT_EQ(in_child(try_flock), 11);
  EXPECT_ERR(flock(1000, LOCK_EX), EBADF);
  EXPECT_ERR(flock(fd, 16), EINVAL);
  fact("flock keeps a child out");

  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 8};
  EXPECT_EQ(fcntl(fd, F_SETLK, &lock), 0);
  EXPECT_EQ(in_child(try_record), 10);
  EXPECT_EQ(in_child(free_range), 10);
  pid_t waiter = fork();
  if (waiter == 0) _exit(wait_for_lock());
  usleep(5000);
  lock.l_type = F_UNLCK;
  EXPECT_EQ(fcntl(fd, F_SETLK, &lock), 0);
  EXPECT_EQ(ended(waiter), 10);
  lock.l_type = F_WRLCK;
  EXPECT_EQ(fcntl(fd, F_GETLK, &lock), 0);
  EXPECT_EQ(lock.l_type, F_UNLCK);
  lock.l_type = 77;
  EXPECT_ERR(fcntl(fd, F_SETLK, &lock), EINVAL);
  EXPECT_ERR(syscall(SYS_fcntl, fd, F_GETLK, 8), EFAULT);
  EXPECT_EQ(lockf(fd, F_TLOCK, 4), 0);
  EXPECT_EQ(lockf(fd, F_ULOCK, 4), 0);
  fact("record locks keep a child out, and let it in");

  int second = (int)OK(open("lock", O_RDWR));
  lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 4};
  EXPECT_EQ(fcntl(fd, F_OFD_SETLK, &lock), 0);
  EXPECT_ERR(fcntl(second, F_OFD_SETLK, &lock), EAGAIN);
  EXPECT_EQ(fcntl(second, F_OFD_GETLK, &lock), 0);
  EXPECT_EQ(lock.l_pid, -1);
  long lease = fcntl(fd, F_GETLEASE);
  EXPECT(lease == F_UNLCK || lease == -1);
  return finish();
}
