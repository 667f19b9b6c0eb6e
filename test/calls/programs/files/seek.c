/* lseek, truncate, fallocate and holes. */
#include "check.h"

static off_t size_of(int fd) {
  struct stat info;
  EXPECT_EQ(fstat(fd, &info), 0);
  return info.st_size;
}

int main(void) {
  int fd = file_of("data", "0123456789");
  EXPECT_EQ(lseek(fd, 3, SEEK_SET), 3);
  EXPECT_EQ(lseek(fd, 4, SEEK_CUR), 7);
  EXPECT_EQ(lseek(fd, -1, SEEK_END), 9);
  EXPECT_EQ(lseek(fd, 100, SEEK_SET), 100);
  char byte;
  EXPECT_EQ(read(fd, &byte, 1), 0);
  EXPECT_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
  EXPECT_ERR(lseek(fd, 0, 99), EINVAL);
  EXPECT_ERR(lseek(99, 0, SEEK_SET), EBADF);
  int pair[2];
  OK(pipe(pair));
  EXPECT_ERR(lseek(pair[0], 0, SEEK_SET), ESPIPE);
  EXPECT_EQ(lseek(fd, 0, SEEK_HOLE), 10);
  EXPECT_EQ(lseek(fd, 4, SEEK_DATA), 4);
  EXPECT_ERR(lseek(fd, 10, SEEK_DATA), ENXIO);
  EXPECT_ERR(lseek(fd, 11, SEEK_HOLE), ENXIO);

  EXPECT_EQ(pwrite(fd, "end", 3, 1 << 20), 3);
  note("data again at %ld, hole at %ld", (long)lseek(fd, 8192, SEEK_DATA),
       (long)lseek(fd, 0, SEEK_HOLE));
  EXPECT_EQ(size_of(fd), (1 << 20) + 3);
  EXPECT_EQ(ftruncate(fd, 5), 0);
  EXPECT_EQ(size_of(fd), 5);
  EXPECT_EQ(truncate("data", 8), 0);
  char text[9] = {0};
  EXPECT_EQ(pread(fd, text, 9, 0), 8);
  EXPECT_MEM(text, "01234\0\0\0", 8);
  EXPECT_ERR(ftruncate(fd, -1), EINVAL);
  EXPECT_ERR(truncate("data", -1), EINVAL);
  EXPECT_ERR(truncate("absent", 1), ENOENT);
  EXPECT_ERR(truncate(".", 1), EISDIR);
  EXPECT_ERR(ftruncate(pair[1], 1), EINVAL);
  EXPECT_ERR(ftruncate(99, 1), EBADF);
  int reader = (int)OK(open("data", O_RDONLY));
  EXPECT_ERR(ftruncate(reader, 1), EINVAL);

  EXPECT_EQ(fallocate(fd, 0, 0, 100000), 0);
  EXPECT_EQ(size_of(fd), 100000);
  EXPECT_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 100000, 50000), 0);
  EXPECT_EQ(size_of(fd), 100000);
  EXPECT_EQ(pwrite(fd, "xxxxxxxxxx", 10, 4096), 10);
  if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096) == 0) {
    EXPECT_EQ(pread(fd, &byte, 1, 4097), 1);
    EXPECT_EQ(byte, 0);
  }
  EXPECT_EQ(posix_fallocate(fd, 0, 120000), 0);
  EXPECT_EQ(size_of(fd), 120000);
  EXPECT_ERR(fallocate(fd, 0, 0, 0), EINVAL);
  EXPECT_ERR(fallocate(fd, 0, -1, 10), EINVAL);
  EXPECT_ERR(fallocate(reader, 0, 0, 10), EBADF);
  EXPECT_ERR(fallocate(pair[1], 0, 0, 10), ESPIPE);
  EXPECT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
  EXPECT_EQ(posix_fadvise(fd, 0, 0, 99), EINVAL);
  EXPECT_EQ(posix_fadvise(pair[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
  EXPECT_EQ(readahead(fd, 0, 4096), 0);
  EXPECT_ERR(readahead(99, 0, 4096), EBADF);
  fact("size %ld", (long)size_of(fd));
  return finish();
}
