/* fsync and the other ways to ask for durability. */
#include "check.h"

int main(void) {
  int fd = file_of("data", "some bytes");
  EXPECT_EQ(fsync(fd), 0);
  EXPECT_EQ(fdatasync(fd), 0);
  EXPECT_EQ(syncfs(fd), 0);
  EXPECT_EQ(sync_file_range(fd, 0, 10, SYNC_FILE_RANGE_WRITE), 0);
  sync();
  EXPECT_EQ(RAW(SYS_sync), 0);
  EXPECT_ERR(fsync(1000), EBADF);
  EXPECT_ERR(fdatasync(1000), EBADF);
  EXPECT_ERR(syncfs(1000), EBADF);
  EXPECT_ERR(sync_file_range(fd, -1, 1, 0), EINVAL);
  EXPECT_ERR(sync_file_range(1000, 0, 1, 0), EBADF);
  int pair[2];
  OK(pipe(pair));
  EXPECT_ERR(fsync(pair[0]), EINVAL);
  EXPECT_ERR(fdatasync(pair[1]), EINVAL);
  int direct = open("data", O_WRONLY | O_SYNC | O_APPEND);
  EXPECT_EQ(write(direct, "synced", 6), 6);
  char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  EXPECT(map != MAP_FAILED);
  map[0] = 'S';
  EXPECT_EQ(msync(map, 4096, MS_SYNC), 0);
  EXPECT_EQ(msync(map, 4096, MS_ASYNC), 0);
  EXPECT_ERR(msync(map, 4096, MS_SYNC | MS_ASYNC), EINVAL);
  EXPECT_ERR(msync(map + 1, 4096, MS_SYNC), EINVAL);
  char text[17] = {0};
  EXPECT_EQ(pread(fd, text, 16, 0), 16);
  fact("%s", text);
  struct { unsigned long long offset, length; } range = {0, 0};
  unsigned long long statistics[5];
  MAYBE_REFUSED(syscall(451, fd, &range, statistics, 0)); /* cachestat, from Linux 6.5 */
  return finish();
}
