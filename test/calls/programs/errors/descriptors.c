/* Every call that takes a descriptor, given one that is not open: EBADF, and nothing happens. */
#include "check.h"
#include <sys/epoll.h>

#define NOT 900

static const struct {
  const char *name;
  long nr, a, b, c;
} calls[] = {
    {"read", SYS_read, 0, 0, 0},
    {"write", SYS_write, 0, 0, 0},
    {"pread64", SYS_pread64, 0, 1, 0},
    {"pwrite64", SYS_pwrite64, 0, 1, 0},
    {"close", SYS_close, 0, 0, 0},
    {"fstat", SYS_fstat, 0, 0, 0},
    {"lseek", SYS_lseek, 0, 0, 0},
    {"ioctl", SYS_ioctl, 0x5401, 0, 0},
    {"readv", SYS_readv, 0, 0, 0},
    {"writev", SYS_writev, 0, 0, 0},
    {"dup", SYS_dup, 0, 0, 0},
    {"dup2", SYS_dup2, 5, 0, 0},
    {"dup3", SYS_dup3, 5, 0, 0},
    {"connect", SYS_connect, 0, 0, 0},
    {"accept", SYS_accept, 0, 0, 0},
    {"accept4", SYS_accept4, 0, 0, 0},
    {"sendto", SYS_sendto, 0, 0, 0},
    {"recvfrom", SYS_recvfrom, 0, 0, 0},
    {"sendmsg", SYS_sendmsg, 0, 0, 0},
    {"recvmsg", SYS_recvmsg, 0, 0, 0},
    {"shutdown", SYS_shutdown, 0, 0, 0},
    {"bind", SYS_bind, 0, 0, 0},
    {"listen", SYS_listen, 1, 0, 0},
    {"getsockname", SYS_getsockname, 0, 0, 0},
    {"getpeername", SYS_getpeername, 0, 0, 0},
    {"setsockopt", SYS_setsockopt, 1, 2, 0},
    {"getsockopt", SYS_getsockopt, 1, 2, 0},
    {"fcntl", SYS_fcntl, 1, 0, 0},
    {"flock", SYS_flock, 1, 0, 0},
    {"fsync", SYS_fsync, 0, 0, 0},
    {"fdatasync", SYS_fdatasync, 0, 0, 0},
    {"ftruncate", SYS_ftruncate, 0, 0, 0},
    {"getdents", SYS_getdents, 0, 0, 0},
    {"getdents64", SYS_getdents64, 0, 0, 0},
    {"fchdir", SYS_fchdir, 0, 0, 0},
    {"fchmod", SYS_fchmod, 0, 0, 0},
    {"fchown", SYS_fchown, 0, 0, 0},
    {"fstatfs", SYS_fstatfs, 0, 0, 0},
    {"fsetxattr", SYS_fsetxattr, 0, 0, 0},
    {"fgetxattr", SYS_fgetxattr, 0, 0, 0},
    {"flistxattr", SYS_flistxattr, 0, 0, 0},
    {"fremovexattr", SYS_fremovexattr, 0, 0, 0},
    {"epoll_wait", SYS_epoll_wait, 0, 1, 0},
    {"fallocate", SYS_fallocate, 0, 0, 1},
    {"fadvise64", SYS_fadvise64, 0, 0, 0},
    {"readahead", SYS_readahead, 0, 0, 0},
    {"sendfile", SYS_sendfile, 0, 0, 1},
    {"tee", SYS_tee, 1, 1, 0},
    {"syncfs", SYS_syncfs, 0, 0, 0},
    {"sync_file_range", SYS_sync_file_range, 0, 0, 0},
    {"preadv", SYS_preadv, 0, 0, 0},
    {"pwritev", SYS_pwritev, 0, 0, 0},
    {"preadv2", SYS_preadv2, 0, 0, 0},
    {"pwritev2", SYS_pwritev2, 0, 0, 0},
    {"timerfd_gettime", SYS_timerfd_gettime, 0, 0, 0},
    {"inotify_rm_watch", SYS_inotify_rm_watch, 1, 0, 0},
    {"signalfd4", SYS_signalfd4, 0, 8, 0},
    {"recvmmsg", SYS_recvmmsg, 0, 0, 0},
    {"sendmmsg", SYS_sendmmsg, 0, 0, 0},
    {"copy_file_range", SYS_copy_file_range, 0, 1, 0},
    {"openat", SYS_openat, (long)"x", 0, 0},
    {"unlinkat", SYS_unlinkat, (long)"x", 0, 0},
    {"mkdirat", SYS_mkdirat, (long)"x", 0, 0},
    {"faccessat", SYS_faccessat, (long)"x", 0, 0},
    {"newfstatat", SYS_newfstatat, (long)"x", 0, 0},
    {"pidfd_send_signal", SYS_pidfd_send_signal, 0, 0, 0},
};

int main(void) {
  char before[64], after[64];
  snprintf(before, sizeof before, "%d %d", dup(0), dup(0));
  for (size_t i = 0; i < LENGTH(calls); i++) {
    long result = raw_call(calls[i].nr, NOT, calls[i].a, calls[i].b, calls[i].c, 0, 0);
    fact("%s %s", calls[i].name, result < 0 ? strerrorname_np((int)-result) : "no error");
    if (result >= 0) FAIL("%s gave %ld", calls[i].name, result);
  }
  close(atoi(before)), close(atoi(strchr(before, ' ')));
  snprintf(after, sizeof after, "%d %d", dup(0), dup(0));
  EXPECT_EQ(strcmp(before, after), 0);
  return finish();
}
