/* Pointers that are none: EFAULT, nothing done, nothing lost, in every position a row has one. */
#include "check.h"

#define BAD 8

static struct {
  const char *name;
  long nr, arguments[6];
} faults[] = {
    {"access", SYS_access, {BAD, 0}},
    {"chmod", SYS_chmod, {BAD, 0}},
    {"chown", SYS_chown, {BAD, 0, 0}},
    {"chdir", SYS_chdir, {BAD}},
    {"mkdir", SYS_mkdir, {BAD, 0}},
    {"rmdir", SYS_rmdir, {BAD}},
    {"unlink", SYS_unlink, {BAD}},
    {"rename", SYS_rename, {BAD, BAD}},
    {"link", SYS_link, {BAD, BAD}},
    {"symlink", SYS_symlink, {BAD, BAD}},
    {"readlink", SYS_readlink, {BAD, BAD, 9}},
    {"truncate", SYS_truncate, {BAD, 0}},
    {"statfs", SYS_statfs, {BAD, BAD}},
    {"mknod", SYS_mknod, {BAD, 0100600, 0}},
    {"utimes", SYS_utimes, {BAD, 0}},
    {"creat", SYS_creat, {BAD, 0}},
    {"getxattr", SYS_getxattr, {BAD, BAD, 0, 0}},
    {"listxattr", SYS_listxattr, {BAD, 0, 0}},
    {"openat2", SYS_openat2, {-100, BAD, BAD, 24}},
    {"statx", SYS_statx, {-100, BAD, 0, 0, BAD}},
    {"clock_gettime", SYS_clock_gettime, {1, BAD}},
    {"clock_nanosleep", SYS_clock_nanosleep, {1, 0, BAD, 0}},
    {"gettimeofday", SYS_gettimeofday, {BAD, 0}},
    {"timer_create", SYS_timer_create, {1, BAD, BAD}},
    {"sched_setscheduler", SYS_sched_setscheduler, {0, 0, BAD}},
    {"rt_sigtimedwait", SYS_rt_sigtimedwait, {BAD, 0, 0, 8}},
    {"capget", SYS_capget, {BAD, 0}},
    {"sigaltstack", SYS_sigaltstack, {BAD, 0}},
    {"setgroups", SYS_setgroups, {2, BAD}},
    {"epoll_ctl", SYS_epoll_ctl, {-1, 1, 0, BAD}},
    {"prlimit64", SYS_prlimit64, {0, 7, BAD, 0}},
    {"setrlimit", SYS_setrlimit, {7, BAD}},
    {"setitimer", SYS_setitimer, {0, BAD, 0}},
    {"execve", SYS_execve, {BAD, 0, 0}},
    {"memfd_create", SYS_memfd_create, {BAD, 0}},
    {"pipe2", SYS_pipe2, {BAD, 0}},
    {"futex", SYS_futex, {BAD, 0, 0, 0, 0, 0}},
    {"rt_sigqueueinfo", SYS_rt_sigqueueinfo, {0, 10, BAD}},
    {"inotify_add_watch", SYS_inotify_add_watch, {-1, BAD, 1}},
    {"getrandom", SYS_getrandom, {BAD, 9, 0}},
    {"times", SYS_times, {BAD}},
};

/* Buffers that end in the middle: what fits is filled, or nothing is, as the kernel does. */
static void half_there(void) {
  char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_EQ(mprotect(page + 4096, 4096, PROT_NONE), 0);
  char *edge = page + 4096;
  int fd = file_of("data", "0123456789"), ends[2], pair[2];
  OK(pipe(ends));
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  note("read over the edge: %ld", RAW(SYS_read, fd, edge - 4, 10));
  EXPECT_EQ(pread(fd, edge - 4, 4, 0), 4);
  EXPECT_MEM(edge - 4, "0123", 4);
  EXPECT_ERR(write(ends[1], edge, 4), EFAULT);
  EXPECT_EQ(write(ends[1], edge - 4, 4), 4);
  EXPECT_EQ(read(ends[0], edge - 4, 4), 4);
  EXPECT_EQ(send(pair[0], "abcdef", 6, 0), 6);
  EXPECT_ERR(recv(pair[1], edge - 3, 6, 0), EFAULT);
  EXPECT_ERR(stat("data", (void *)(edge - 10)), EFAULT);
  EXPECT_ERR(syscall(SYS_clock_gettime, 1, edge - 8), EFAULT);
  EXPECT_ERR(syscall(SYS_uname, edge - 100), EFAULT);
  EXPECT_ERR(syscall(SYS_getcwd, edge - 1, 100), EFAULT);
  memcpy(edge - 4, "data", 4);
  EXPECT_ERR(open(edge - 4, O_RDONLY), EFAULT); /* a name without an end */
  memcpy(edge - 5, "data", 5);
  EXPECT(open(edge - 5, O_RDONLY) >= 0);
}

int main(void) {
  int wanted = 0;
  for (size_t i = 0; i < LENGTH(faults); i++) {
    const long *a = faults[i].arguments;
    long result = raw_call(faults[i].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (result != -EFAULT && result != -EBADF && result != -ESRCH && result != -EINVAL)
      FAIL("%s gave %ld", faults[i].name, result);
    wanted += result == -EFAULT;
    fact("%s %s", faults[i].name, strerrorname_np((int)-result));
  }
  EXPECT(wanted > 30);
  half_there();
  return finish();
}
