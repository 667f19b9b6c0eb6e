/* pidfd: a child as a descriptor: readiness at its death, signals, wait, its descriptors. */
#include "check.h"

int main(void) {
  int ends[2];
  OK(pipe(ends));
  pid_t child = fork();
  if (child == 0) {
    char byte;
    _exit(read(ends[0], &byte, 1) == 1 ? 23 : 24);
  }
  int fd = (int)OK(syscall(SYS_pidfd_open, child, 0));
  EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  EXPECT_EQ(poll(&ready, 1, 0), 0);
  EXPECT_EQ(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), 0);
  EXPECT_EQ(write(ends[1], "x", 1), 1);
  EXPECT_EQ(poll(&ready, 1, 10000), 1);
  siginfo_t info = {0};
  EXPECT_EQ(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0);
  EXPECT_EQ(info.si_status, 23);
  EXPECT_EQ(info.si_pid, child);
  EXPECT_ERR(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), ESRCH);
  EXPECT_EQ(close(fd), 0);

  fd = (int)OK(syscall(SYS_pidfd_open, getpid(), 0));
  long taken = MAYBE_REFUSED(syscall(SYS_pidfd_getfd, fd, ends[1], 0));
  if (taken >= 0) {
    EXPECT_EQ(write((int)taken, "y", 1), 1);
    char byte = 0;
    EXPECT_EQ(read(ends[0], &byte, 1), 1);
    EXPECT_EQ(byte, 'y');
  }
  EXPECT(syscall(SYS_pidfd_getfd, fd, 1000, 0) == -1);
  EXPECT_ERR(syscall(SYS_pidfd_open, 0x3ffffff, 0), ESRCH);
  EXPECT_ERR(syscall(SYS_pidfd_open, getpid(), 0x99), EINVAL);
  EXPECT_ERR(syscall(SYS_pidfd_send_signal, 1000, 0, NULL, 0), EBADF);
  EXPECT(MAYBE_REFUSED(syscall(SYS_process_madvise, fd, NULL, 0, 99, 1)) == -1);
  EXPECT(MAYBE_REFUSED(syscall(SYS_process_mrelease, fd, 0x99)) == -1);
  long same = MAYBE_REFUSED(syscall(SYS_kcmp, getpid(), getpid(), 0, ends[0], ends[0]));
  EXPECT(same == 0 || same == -1);
  fact("a pidfd follows its process");
  return finish();
}
