/* mmap and munmap: hints, fixed places, holes, growing stacks, what is refused. */
#include "check.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

static void failing(void *at, size_t size, int prot, int flags, int fd, off_t offset, int wanted) {
  errno = 0;
  EXPECT(mmap(at, size, prot, flags, fd, offset) == MAP_FAILED);
  EXPECT_EQ(errno, wanted);
}

int main(void) {
  char *block = mmap(NULL, 10 * 4096, RW, ANON, -1, 0);
  EXPECT(block != MAP_FAILED && (uintptr_t)block % 4096 == 0);
  EXPECT_EQ(block[0] | block[40959], 0);
  memset(block, 7, 10 * 4096);
  note("mapped at %p", (void *)block);

  EXPECT_EQ(munmap(block + 2 * 4096, 4096), 0);
  EXPECT(mmap(block + 2 * 4096, 4096, RW, ANON | MAP_FIXED, -1, 0) == block + 2 * 4096);
  EXPECT_EQ(block[2 * 4096], 0);
  EXPECT_EQ(block[3 * 4096], 7);
  EXPECT(mmap(block, 4096, RW, ANON | MAP_FIXED, -1, 0) == block); /* replaces what is there */
  EXPECT_EQ(block[0], 0);
  failing(block, 4096, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0, EEXIST);
  EXPECT_EQ(munmap(block + 9 * 4096, 4096), 0);
  EXPECT(mmap(block + 9 * 4096, 4096, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == block + 9 * 4096);

  char *hint = (char *)0x200000000000;
  char *got = mmap(hint, 4096, RW, ANON, -1, 0);
  EXPECT(got != MAP_FAILED);
  note("hint %p got %p", (void *)hint, (void *)got);
  char *low = mmap(NULL, 4096, RW, ANON | MAP_32BIT, -1, 0);
  EXPECT(low != MAP_FAILED && (uintptr_t)low < 1ul << 32);
  char *reserve = mmap(NULL, 1ul << 36, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
  EXPECT(reserve != MAP_FAILED);
  EXPECT_EQ(mprotect(reserve + (1ul << 35), 8192, RW), 0);
  reserve[(1ul << 35) + 5000] = 1;
  EXPECT_EQ(munmap(reserve, 1ul << 36), 0);
  char *ready = mmap(NULL, 65536, RW, ANON | MAP_POPULATE, -1, 0);
  EXPECT(ready != MAP_FAILED && ready[65535] == 0);

  char *stack = mmap(NULL, 65536, RW, ANON | MAP_GROWSDOWN | MAP_STACK, -1, 0);
  EXPECT(stack != MAP_FAILED);
  char *shared = mmap(NULL, 8192, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  EXPECT(shared != MAP_FAILED);
  pid_t child = fork();
  if (child == 0) {
    shared[4096] = 9;
    block[0] = 9;
    _exit(0);
  }
  EXPECT_EQ(ended(child), 0);
  EXPECT(shared[4096] == 9 && block[0] == 0);

  failing(NULL, 0, RW, ANON, -1, 0, EINVAL);
  failing(NULL, 4096, RW, MAP_ANONYMOUS, -1, 0, EINVAL);
  failing(block + 1, 4096, RW, ANON | MAP_FIXED, -1, 0, EINVAL);
  failing(NULL, ~0ul - 4096, RW, ANON, -1, 0, ENOMEM);
  failing(NULL, 4096, RW, MAP_PRIVATE, -1, 0, EBADF);
  EXPECT_ERR(munmap(block + 1, 4096), EINVAL);
  EXPECT_ERR(munmap(block, 0), EINVAL);
  EXPECT_EQ(munmap(block, 10 * 4096), 0);
  EXPECT_EQ(munmap(block, 10 * 4096), 0); /* nothing there is no error */

  /* Many mappings, some given back: addresses are the same in replay, so prints are too. */
  unsigned long mixed = 0;
  char *blocks[200];
  for (int i = 0; i < 200; i++) {
    blocks[i] = mmap(NULL, (size_t)(1 + i % 7) * 4096, RW, ANON, -1, 0);
    blocks[i][0] = (char)i;
    mixed = mixed * 31 + (uintptr_t)blocks[i];
    if (i % 3 == 2) EXPECT_EQ(munmap(blocks[i - 1], (size_t)(1 + (i - 1) % 7) * 4096), 0);
  }
  note("addresses %lx", mixed);
  fact("mapped");
  /* a file that can only be run, where the processor knows such memory */
  int only = file_of("only", "\303"); /* ret */
  void *runs = mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE, only, 0);
  EXPECT(runs != MAP_FAILED);
  ((void (*)(void))runs)();
  EXPECT_EQ(munmap(runs, 4096), 0);
  return finish();
}
