/* sigtimedwait, sigwait, signalfd: signals taken without a handler. */
#include "check.h"
#include <sys/signalfd.h>

static void *sender(void *process) {
  usleep(2000);
  EXPECT_EQ(sigqueue(*(pid_t *)process, SIGRTMIN + 1, (union sigval){.sival_int = 99}), 0);
  return NULL;
}

int main(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN + 1);
  sigaddset(&set, SIGCHLD);
  EXPECT_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
  siginfo_t *info = (void *)guarded(sizeof *info);
  struct timespec limit = {.tv_nsec = 2000000}, longer = {.tv_sec = 10};
  EXPECT_ERR(sigtimedwait(&set, info, &limit), EAGAIN);
  EXPECT_EQ(raise(SIGUSR1), 0);
  EXPECT_EQ(sigtimedwait(&set, info, &limit), SIGUSR1);
  EXPECT(untouched((unsigned char *)info, sizeof *info));
  EXPECT_EQ(info->si_code, SI_USER); /* libc hides that raise() is tgkill() */
  pid_t self = getpid();
  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, sender, &self), 0);
  EXPECT_EQ(sigtimedwait(&set, info, &longer), SIGRTMIN + 1);
  EXPECT_EQ(info->si_value.sival_int, 99);
  EXPECT_EQ(pthread_join(thread, NULL), 0);
  int number = 0;
  EXPECT_EQ(kill(self, SIGUSR1), 0);
  EXPECT_EQ(sigwait(&set, &number), 0);
  EXPECT_EQ(number, SIGUSR1);
  EXPECT_EQ(kill(self, SIGUSR1), 0);
  EXPECT_EQ(sigwaitinfo(&set, info), SIGUSR1);
  EXPECT_EQ(info->si_pid, self);
  limit.tv_nsec = -1;
  EXPECT_ERR(sigtimedwait(&set, info, &limit), EINVAL);
  fact("waited for");

  int fd = (int)OK(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  struct signalfd_siginfo *read_info = (void *)guarded(3 * sizeof *read_info);
  EXPECT_ERR(read(fd, read_info, sizeof *read_info), EAGAIN);
  EXPECT_EQ(sigqueue(self, SIGRTMIN + 1, (union sigval){.sival_int = 5}), 0);
  EXPECT_EQ(sigqueue(self, SIGRTMIN + 1, (union sigval){.sival_int = 6}), 0);
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  EXPECT_EQ(poll(&ready, 1, 0), 1);
  EXPECT_EQ(read(fd, read_info, 3 * sizeof *read_info), 2 * (long)sizeof *read_info);
  EXPECT(untouched((unsigned char *)read_info, 2 * sizeof *read_info));
  EXPECT(read_info[0].ssi_int == 5 && read_info[1].ssi_int == 6);
  EXPECT_EQ(read_info[0].ssi_pid, self);
  EXPECT_ERR(read(fd, read_info, 10), EINVAL);

  pid_t child = fork();
  if (child == 0) _exit(12);
  EXPECT_EQ(poll(&ready, 1, 10000), 1);
  EXPECT_EQ(read(fd, read_info, sizeof *read_info), sizeof *read_info);
  EXPECT(read_info->ssi_signo == SIGCHLD && read_info->ssi_status == 12);
  EXPECT_EQ(ended(child), 12);
  sigdelset(&set, SIGCHLD);
  EXPECT_EQ(signalfd(fd, &set, 0), fd);
  EXPECT_EQ(syscall(SYS_signalfd, fd, &set, 8), fd);
  EXPECT_ERR(signalfd(fd, &set, 0x99), EINVAL);
  EXPECT_ERR(signalfd(0, &set, 0), EINVAL);
  EXPECT_ERR(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
  fact("read from a descriptor");
  return finish();
}
