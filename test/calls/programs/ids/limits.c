/* Limits: read, lowered, felt, and the same whether asked by getrlimit or prlimit64. */
#include "check.h"

int main(void) {
  for (int which = 0; which < RLIM_NLIMITS; which++) {
    struct rlimit *old = (void *)guarded(sizeof *old), again;
    EXPECT_EQ(RAW(SYS_getrlimit, which, old), 0);
    EXPECT(untouched((unsigned char *)old, sizeof *old));
    EXPECT_EQ(prlimit(0, which, NULL, &again), 0);
    EXPECT(old->rlim_cur == again.rlim_cur && old->rlim_max == again.rlim_max);
    EXPECT_EQ(RAW(SYS_prlimit64, getpid(), which, &again, old), 0);
    EXPECT(old->rlim_cur == again.rlim_cur && old->rlim_max == again.rlim_max);
    EXPECT_EQ(RAW(SYS_setrlimit, which, old), 0);
    note("limit %d: %ld %ld", which, (long)old->rlim_cur, (long)old->rlim_max);
    release((unsigned char *)old);
  }
  struct rlimit limit;
  EXPECT_ERR(getrlimit(99, &limit), EINVAL);
  EXPECT_ERR(syscall(SYS_getrlimit, 1, 8), EFAULT);
  EXPECT_ERR(syscall(SYS_prlimit64, 0x3ffffff, 1, 0, &limit), ESRCH);
  limit = (struct rlimit){5, 4};
  EXPECT_ERR(setrlimit(RLIMIT_NOFILE, &limit), EINVAL);

  EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = 8;
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  int opened[16], count = 0, fd;
  while (count < 16 && (fd = open("/dev/null", O_RDONLY)) >= 0) opened[count++] = fd;
  EXPECT_EQ(errno, EMFILE);
  EXPECT_EQ(opened[count - 1], 7);
  EXPECT_ERR(dup(0), EMFILE);
  EXPECT_ERR(dup2(0, 8), EBADF);
  int pair[2];
  EXPECT_ERR(pipe(pair), EMFILE);
  EXPECT_ERR(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
  fact("%d descriptors fit below 8", count);
  while (count > 0) close(opened[--count]);

  limit = (struct rlimit){4096, RLIM_INFINITY};
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  EXPECT_EQ(sigaction(SIGXFSZ, &ignore, NULL), 0);
  EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  fd = file_of("limited", "");
  char block[5000] = {0};
  EXPECT_EQ(write(fd, block, sizeof block), 4096);
  EXPECT_ERR(write(fd, block, 1), EFBIG);
  EXPECT_ERR(ftruncate(fd, 5000), EFBIG);
  fact("a file stops at its limit");

  limit = (struct rlimit){64ul << 20, RLIM_INFINITY};
  EXPECT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  EXPECT(mmap(NULL, 128ul << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  EXPECT_EQ(errno, ENOMEM);
  struct rlimit seen;
  EXPECT_EQ(getrlimit(RLIMIT_AS, &seen), 0);
  EXPECT_EQ(seen.rlim_cur, 64ul << 20);
  EXPECT(mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
  return finish();
}
