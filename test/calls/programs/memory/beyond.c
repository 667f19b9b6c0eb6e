/* A writable mapping that reaches past the end of its file, with holes in it: the digest at the
 * program's end passes over what cannot be touched. */
#include "check.h"

int main(void) {
  const size_t page = 4096;
  for (int shared = 0; shared < 2; shared++) {
    int fd = (int)OK(open("short", O_RDWR | O_CREAT | O_TRUNC, 0600));
    EXPECT_EQ(ftruncate(fd, (off_t)page + 200), 0);
    char *at = mmap(NULL, 5 * page, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE,
                    fd, 0);
    EXPECT(at != MAP_FAILED);
    memset(at, 'a' + shared, page + 100);
    EXPECT_EQ(munmap(at + 2 * page, page), 0);
    EXPECT_EQ(mprotect(at + page, page, PROT_NONE), 0);
    EXPECT_EQ(close(fd), 0);
  }
  fact("mappings reach past the end of their files");
  return finish();
}
