/* read, write, pread, pwrite on a file: short ends, holes, bytes behind the result untouched. */
#include "check.h"

int main(void) {
  unsigned char *buffer = guarded(256);
  int fd = file_of("data", "0123456789");
  EXPECT_EQ(read(fd, buffer, 4), 4);
  EXPECT_MEM(buffer, "0123", 4);
  EXPECT(untouched(buffer, 4));
  EXPECT_EQ(read(fd, buffer, 256), 6);
  EXPECT_MEM(buffer, "456789", 6);
  EXPECT(untouched(buffer, 6));
  EXPECT_EQ(read(fd, buffer, 256), 0);
  EXPECT(untouched(buffer, 6));
  EXPECT_EQ(read(fd, NULL, 0), 0);
  EXPECT_EQ(write(fd, "abc", 3), 3);
  EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 13);
  EXPECT_EQ(pread(fd, buffer, 5, 8), 5);
  EXPECT_MEM(buffer, "89abc", 5);
  EXPECT_EQ(pread(fd, buffer, 5, 13), 0);
  EXPECT_EQ(pread(fd, buffer, 5, 1000), 0);
  EXPECT_EQ(pwrite(fd, "XY", 2, 20), 2);
  EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 13);
  EXPECT_EQ(pread(fd, buffer, 256, 12), 10);
  EXPECT_MEM(buffer, "c\0\0\0\0\0\0\0XY", 10);
  EXPECT(untouched(buffer, 10));
  EXPECT_ERR(pread(fd, buffer, 1, -1), EINVAL);
  EXPECT_ERR(pwrite(fd, buffer, 1, -1), EINVAL);
  EXPECT_ERR(syscall(SYS_pread64, fd, 8, 4, 0), EFAULT);
  EXPECT_ERR(syscall(SYS_read, fd, 8, 4), EFAULT);
  EXPECT_ERR(syscall(SYS_write, fd, 8, 4), EFAULT);
  EXPECT_EQ(write(fd, "", 0), 0);
  fact("small reads and writes");

  /* Larger than one record of the log, and larger than a pipe. */
  size_t size = 3 << 20;
  unsigned char *large = malloc(size), *copy = malloc(size);
  for (size_t i = 0; i < size; i++) large[i] = (unsigned char)(i * 7 + i / 4096);
  EXPECT_EQ(pwrite(fd, large, size, 5), size);
  EXPECT_EQ(pread(fd, copy, size, 5), size);
  EXPECT_MEM(copy, large, size);
  EXPECT_EQ(lseek(fd, 5, SEEK_SET), 5);
  size_t have = 0;
  while (have < size) {
    long got = read(fd, copy + have, 100001);
    EXPECT(got > 0);
    if (got <= 0) break;
    have += (size_t)got;
  }
  EXPECT_EQ(have, size);
  EXPECT_MEM(copy, large, size);
  fact("three megabytes there and back");

  /* Two descriptors of one file see each other's bytes; a duplicate shares the offset. */
  int second = (int)OK(open("data", O_RDWR)), shared = (int)OK(dup(second));
  EXPECT_EQ(write(second, "shared", 6), 6);
  EXPECT_EQ(pread(fd, buffer, 6, 0), 6);
  EXPECT_MEM(buffer, "shared", 6);
  EXPECT_EQ(lseek(shared, 0, SEEK_CUR), 6);
  EXPECT_EQ(read(shared, buffer, 2), 2);
  EXPECT_EQ(lseek(second, 0, SEEK_CUR), 8);

  EXPECT_ERR(read(99, buffer, 1), EBADF);
  EXPECT_ERR(write(-1, buffer, 1), EBADF);
  int directory = (int)OK(open(".", O_RDONLY));
  EXPECT_ERR(read(directory, buffer, 10), EISDIR);
  return finish();
}
