/* Mappings of a file that is mostly hole, larger than could be read: a page at either end, one
 * written through the mapping, one behind a hole that was punched, and a private one. */
#include "check.h"

#define BYTES (1ull << 36)

static char *map(int fd, int flags) {
  char *at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, fd, 0);
  EXPECT(at != MAP_FAILED);
  return at;
}

int main(void) {
  char name[] = "holes.XXXXXX";
  int fd = mkstemp(name);
  EXPECT(fd >= 0);
  unlink(name);
  EXPECT_EQ(ftruncate(fd, BYTES), 0);
  EXPECT_EQ(pwrite(fd, "first", 5, 0), 5);
  EXPECT_EQ(pwrite(fd, "last", 4, BYTES - 4), 4);
  EXPECT_EQ(pwrite(fd, "gone", 4, BYTES / 4), 4);
  EXPECT_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, BYTES / 4, 4096), 0);
  char *shared = map(fd, MAP_SHARED), *copy = map(fd, MAP_PRIVATE);
  shared[BYTES / 2] = 'm';
  copy[BYTES / 2 + 4096] = 'p';
  copy[BYTES / 3] = 'q';
  fact("%.5s %.4s %d %c", shared, shared + BYTES - 4, shared[BYTES / 4], copy[BYTES / 2]);
  fact("%d %c %c", shared[BYTES / 2 + 4096], copy[BYTES / 2 + 4096], copy[BYTES / 3]);
  return check_failures != 0;
}
