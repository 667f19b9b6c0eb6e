/* mremap and remap_file_pages: grown in place or moved, shrunk, moved to a fixed place. */
#include "check.h"

#define RW (PROT_READ | PROT_WRITE)

static char *fresh(size_t pages) {
  char *at = mmap(NULL, pages * 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(at != MAP_FAILED);
  for (size_t i = 0; i < pages; i++) at[i * 4096] = (char)('a' + i);
  return at;
}

int main(void) {
  char *block = fresh(8);
  char *same = mremap(block, 8 * 4096, 4 * 4096, 0);
  EXPECT(same == block);
  char *grown = mremap(block, 4 * 4096, 8 * 4096, 0);
  EXPECT(grown == block); /* there is room: it was just given back */
  EXPECT(block[3 * 4096] == 'd' && block[4 * 4096] == 0);

  /* No room behind the first half: it must move, or fail. */
  char *half = fresh(8);
  errno = 0;
  EXPECT(mremap(half, 4 * 4096, 16 * 4096, 0) == MAP_FAILED && errno == ENOMEM);
  char *moved = mremap(half, 4 * 4096, 16 * 4096, MREMAP_MAYMOVE);
  EXPECT(moved != MAP_FAILED && moved != half);
  EXPECT(moved[0] == 'a' && moved[3 * 4096] == 'd' && moved[15 * 4096] == 0);
  EXPECT(half[4 * 4096] == 'e');
  note("moved from %p to %p", (void *)half, (void *)moved);

  char *target = fresh(4);
  char *fixed = mremap(moved, 2 * 4096, 2 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, target);
  EXPECT(fixed == target);
  EXPECT(target[0] == 'a' && target[4096] == 'b' && target[2 * 4096] == 'c');
  char *kept = mremap(target, 4096, 4096, MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */);
  if (kept != MAP_FAILED) {
    EXPECT_EQ(kept[0], 'a');
    EXPECT_EQ(target[0], 0);
  }
  errno = 0;
  EXPECT(mremap(target + 1, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
  EXPECT(mremap(target, 4096, 0, 0) == MAP_FAILED && errno == EINVAL);
  EXPECT(mremap((void *)0x1000, 4096, 8192, 0) == MAP_FAILED && errno == EFAULT);
  EXPECT(mremap(target, 4096, 8192, 99) == MAP_FAILED && errno == EINVAL);

  int fd = file_of("data", "first page");
  EXPECT_EQ(ftruncate(fd, 3 * 4096), 0);
  EXPECT_EQ(pwrite(fd, "third page", 10, 8192), 10);
  char *file = mmap(NULL, 2 * 4096, RW, MAP_SHARED, fd, 0);
  EXPECT(file != MAP_FAILED);
  file = mremap(file, 2 * 4096, 3 * 4096, MREMAP_MAYMOVE);
  EXPECT(file != MAP_FAILED);
  EXPECT_MEM(file + 8192, "third page", 10);
  long paged = MAYBE_REFUSED(remap_file_pages(file, 4096, 0, 2, 0));
  if (paged == 0) EXPECT_MEM(file, "third page", 10);
  else EXPECT_MEM(file, "first page", 10);

  /* realloc of a large block goes through mremap. */
  unsigned char *large = malloc(1 << 20);
  memset(large, 0x42, 1 << 20);
  for (size_t size = 2; size <= 64; size *= 2) {
    large = realloc(large, size << 20);
    EXPECT(large && large[0] == 0x42 && large[(1 << 20) - 1] == 0x42);
    large[(size << 20) - 1] = 1;
  }
  free(large);
  fact("moved and kept");
  return finish();
}
