/* Where a file lies: FS_IOC_FIEMAP lists extents behind its argument, as many as there is room. */
#include "check.h"
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

int main(void) {
  int fd = (int)OK(open("file", O_RDWR | O_CREAT, 0600));
  char block[4096];
  memset(block, 'x', sizeof block);
  for (int i = 0; i < 4; i++)
    EXPECT_EQ(pwrite(fd, block, sizeof block, i * 1048576), sizeof block);
  EXPECT_EQ(fsync(fd), 0);
  for (unsigned room = 0; room < 5; room += 2) {
    size_t bytes = sizeof(struct fiemap) + room * sizeof(struct fiemap_extent);
    struct fiemap *map = (void *)guarded(bytes);
    memset(map, 0, bytes);
    map->fm_length = FIEMAP_MAX_OFFSET;
    map->fm_extent_count = room;
    int result = ioctl(fd, FS_IOC_FIEMAP, map);
    EXPECT(result == 0 || errno == EOPNOTSUPP || errno == ENOTTY);
    EXPECT(untouched((unsigned char *)map, bytes));
    if (result) continue;
    note("%u extents", map->fm_mapped_extents);
    for (unsigned i = 0; i < room && i < map->fm_mapped_extents; i++)
      note("at %llx on the disk", (unsigned long long)map->fm_extents[i].fe_physical);
  }
  fact("the extents of a file");
  return finish();
}
