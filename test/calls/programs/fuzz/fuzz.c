/* A table of calls that can do no harm, each made with small random arguments: what each returned
 * and left in memory is printed, so recording and replay must agree on all of it. The seed is the
 * argument or 1; it is printed, and the same seed gives the same calls. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/file.h>

enum kind { END, FD, SIZE, OFFSET, BUFFER, TEXT, FLAGS, ZERO, SMALL, NAME, IOVEC, CLOCK };
static const struct {
  short nr;
  unsigned char kinds[6];
} table[] = {
    {SYS_read, {FD, BUFFER, SIZE}},          {SYS_write, {FD, TEXT, SIZE}},
    {SYS_pread64, {FD, BUFFER, SIZE, OFFSET}}, {SYS_pwrite64, {FD, TEXT, SIZE, OFFSET}},
    {SYS_lseek, {FD, OFFSET, SMALL}},        {SYS_readv, {FD, IOVEC, SMALL}},
    {SYS_writev, {FD, IOVEC, SMALL}},        {SYS_fstat, {FD, BUFFER}},
    {SYS_stat, {NAME, BUFFER}},              {SYS_lstat, {NAME, BUFFER}},
    {SYS_access, {NAME, SMALL}},             {SYS_open, {NAME, ZERO, ZERO}},
    {SYS_close, {FD}},                       {SYS_dup, {FD}},
    {SYS_dup2, {FD, FD}},                    {SYS_pipe, {BUFFER}},
    {SYS_getcwd, {BUFFER, SIZE}},            {SYS_readlink, {NAME, BUFFER, SIZE}},
    {SYS_getpid, {END}},                     {SYS_getppid, {END}},
    {SYS_gettid, {END}},                     {SYS_getuid, {END}},
    {SYS_uname, {BUFFER}},                   {SYS_sysinfo, {BUFFER}},
    {SYS_times, {BUFFER}},                   {SYS_getrusage, {SMALL, BUFFER}},
    {SYS_clock_gettime, {CLOCK, BUFFER}},    {SYS_clock_getres, {CLOCK, BUFFER}},
    {SYS_gettimeofday, {BUFFER, BUFFER}},    {SYS_getrandom, {BUFFER, SIZE, SMALL}},
    {SYS_fcntl, {FD, SMALL, ZERO}},          {SYS_ftruncate, {FD, OFFSET}},
    {SYS_mkdir, {NAME, FLAGS}},              {SYS_rmdir, {NAME}},
    {SYS_unlink, {NAME}},                    {SYS_rename, {NAME, NAME}},
    {SYS_link, {NAME, NAME}},                {SYS_symlink, {NAME, NAME}},
    {SYS_getdents64, {FD, BUFFER, SIZE}},    {SYS_statfs, {NAME, BUFFER}},
    {SYS_getsockname, {FD, BUFFER, BUFFER}}, {SYS_recvfrom, {FD, BUFFER, SIZE, FLAGS}},
    {SYS_sendto, {FD, TEXT, SIZE, FLAGS}},   {SYS_getsockopt, {FD, SMALL, SMALL, BUFFER, BUFFER}},
    {SYS_socketpair, {SMALL, SMALL, ZERO, BUFFER}}, {SYS_poll, {BUFFER, SMALL, ZERO}},
    {SYS_eventfd2, {SMALL, ZERO}},           {SYS_epoll_create1, {ZERO}},
    {SYS_epoll_wait, {FD, BUFFER, SMALL, ZERO}}, {SYS_timerfd_gettime, {FD, BUFFER}},
    {SYS_getitimer, {SMALL, BUFFER}},        {SYS_rt_sigpending, {BUFFER, SIZE}},
    {SYS_sched_getparam, {ZERO, BUFFER}},    {SYS_getpriority, {SMALL, ZERO}},
    {SYS_getrlimit, {SMALL, BUFFER}},        {SYS_getgroups, {SMALL, BUFFER}},
    {SYS_sendfile, {FD, FD, ZERO, SIZE}},    {SYS_flock, {FD, FLAGS}},
    {SYS_fsync, {FD}},                       {SYS_mincore, {BUFFER, SIZE, BUFFER}},
    {SYS_sched_yield, {END}},                {SYS_getcpu, {BUFFER, BUFFER}},
};

static unsigned long state;
static unsigned next(unsigned bound) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (unsigned)(state >> 20) % bound;
}

static unsigned char area[4][512];
static struct iovec parts[4];
static char names[6][16] = {"a", "b", "c", "d", "absent/x", "."};

static long argument(unsigned char kind) {
  static const long odd[] = {0, 1, 8, -1, 4096, 1L << 40};
  if (next(25) == 0) return odd[next(LENGTH(odd))];
  switch (kind) {
    case FD: return 3 + next(24); /* never 0 to 2: output must come through */
    case SIZE: return next(300);
    case OFFSET: return next(2000);
    case BUFFER: return (long)(area[next(3)] + next(200));
    case TEXT: return (long)area[3];
    case FLAGS: return next(3) ? MSG_DONTWAIT : MSG_DONTWAIT | (1 << next(6));
    case SMALL: return next(5);
    case NAME: return (long)names[next(6)];
    case IOVEC: return (long)parts;
    case CLOCK: return next(9);
    default: return 0;
  }
}

/* Descriptors 0 to 2, blocking and huge files must not come in by a wild argument. */
static int harmless(const unsigned char *kinds, long nr, const long *a) {
  for (int i = 0; i < 6; i++) {
    if (kinds[i] == FD && (int)a[i] >= 0 && (int)a[i] <= 2) return 0;
    if (kinds[i] == OFFSET && a[i] > 1 << 20) return 0;
    if (kinds[i] == SIZE && (a[i] < 0 || a[i] > 300)) return 0;
  }
  if (nr == SYS_poll) return a[2] == 0 && a[1] < 5;
  if (nr == SYS_epoll_wait) return a[3] == 0;
  if (nr == SYS_recvfrom || nr == SYS_sendto) return a[3] & MSG_DONTWAIT;
  if (nr == SYS_flock) return a[1] & LOCK_NB;
  return nr != SYS_fcntl || (a[1] != F_SETFL && a[1] != F_DUPFD);
}

/* Reads never wait: whatever can is made non-blocking. */
static void calm(void) {
  for (int fd = 3; fd < 64; fd++) {
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && !(flags & O_NONBLOCK)) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  }
}

int main(int argc, char **argv) {
  unsigned long seed = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
  int rounds = argc > 2 ? atoi(argv[2]) : 2000, pair[2];
  state = seed * 0x9e3779b97f4a7c15ul | 1;
  fact("seed %lu, %d rounds", seed, rounds);
  close_range(3, ~0u, 0);
  for (int i = 0; i < 4; i++) parts[i] = (struct iovec){area[i] + 64, 20 + (size_t)i * 30};
  for (int i = 0; i < 512; i++) area[3][i] = (unsigned char)('a' + i % 26);
  for (int i = 0; i < 4; i++) file_of(names[i], "content of a file");
  OK(pipe(pair));
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  calm();
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < rounds; i++) {
    size_t at = next(LENGTH(table));
    long a[6], nr = table[at].nr;
    for (int k = 0; k < 6; k++) a[k] = argument(table[at].kinds[k]);
    if (!harmless(table[at].kinds, nr, a)) continue;
    memset(area, 0xa5, sizeof area[0] * 3);
    long result = raw_call(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (nr == SYS_pipe || nr == SYS_socketpair || nr == SYS_eventfd2) calm();
    unsigned sum = 0;
    for (int k = 0; k < 3; k++)
      for (int m = 0; m < 512; m++) sum = sum * 31 + area[k][m];
    note("%d: %ld(%lx, %lx, %lx) = %ld, %08x", i, nr, a[0], a[1], a[2], result, sum);
  }
  return finish();
}
