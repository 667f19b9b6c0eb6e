/* readv, writev, preadv, pwritev and their second versions: every part filled in order. */
#include "check.h"

int main(void) {
  int fd = file_of("data", "");
  struct iovec out[3] = {{"alpha", 5}, {NULL, 0}, {"beta", 4}};
  EXPECT_EQ(writev(fd, out, 3), 9);
  EXPECT_EQ(pwritev(fd, out, 3, 20), 9);
  EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 9);
  EXPECT_EQ(pwritev2(fd, out, 1, 40, 0), 5);
  EXPECT_EQ(pwritev2(fd, out, 1, -1, 0), 5);
  EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 14);
  EXPECT_EQ(pwritev2(fd, out, 3, 0, RWF_APPEND), 9);

  unsigned char *a = guarded(8), *b = guarded(8), *c = guarded(8);
  struct iovec in[3] = {{a, 4}, {b, 8}, {c, 8}};
  EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
  EXPECT_EQ(readv(fd, in, 3), 20);
  EXPECT_MEM(a, "alph", 4);
  EXPECT_MEM(b, "abetaalp", 8);
  EXPECT_MEM(c, "ha\0\0\0\0\0\0", 8);
  EXPECT(untouched(a, 4) && untouched(b, 8) && untouched(c, 8));

  a = guarded(8), b = guarded(8), c = guarded(8);
  in[0].iov_base = a, in[1].iov_base = b, in[2].iov_base = c;
  EXPECT_EQ(preadv(fd, in, 3, 48), 6);
  EXPECT(untouched(c, 0) && untouched(b, 2) && untouched(a, 4));
  char text[7] = {0};
  memcpy(text, a, 4);
  memcpy(text + 4, b, 2);
  fact("tail %s", text);
  EXPECT_EQ(preadv2(fd, in, 3, 20, 0), 20);
  EXPECT_MEM(a, "alph", 4);
  EXPECT_EQ(lseek(fd, 5, SEEK_SET), 5);
  EXPECT_EQ(preadv2(fd, in, 1, -1, 0), 4);
  EXPECT_MEM(a, "beta", 4);
  EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 9);
  long nowait = preadv2(fd, in, 1, 0, RWF_NOWAIT);
  EXPECT(nowait == 4 || (nowait == -1 && (errno == EAGAIN || errno == EOPNOTSUPP)));

  EXPECT_ERR(syscall(SYS_readv, fd, in, -1), EINVAL);
  EXPECT_ERR(syscall(SYS_readv, fd, in, 1025), EINVAL);
  EXPECT_ERR(syscall(SYS_readv, fd, 8, 1), EFAULT);
  EXPECT_ERR(syscall(SYS_writev, fd, 8, 1), EFAULT);
  EXPECT_EQ(readv(fd, in, 0), 0);
  in[1].iov_len = (size_t)-1;
  EXPECT_ERR(readv(fd, in, 3), EINVAL);
  EXPECT_ERR(pwritev(fd, out, 3, -5), EINVAL);
  EXPECT_ERR(preadv2(fd, in, 1, 0, 0x4000), EOPNOTSUPP);

  /* Parts of a vector that cannot be written: what came before them counts. */
  struct iovec broken[2] = {{a, 3}, {(void *)8, 4}};
  EXPECT_EQ(preadv(fd, broken, 2, 0), 3);
  EXPECT_MEM(a, "alp", 3);

  struct iovec many[200];
  char bytes[200];
  for (int i = 0; i < 200; i++) {
    bytes[i] = (char)('a' + i % 26);
    many[i] = (struct iovec){bytes + i, 1};
  }
  EXPECT_EQ(pwritev(fd, many, 200, 100), 200);
  char back[200];
  EXPECT_EQ(pread(fd, back, 200, 100), 200);
  EXPECT_MEM(back, bytes, 200);
  return finish();
}
