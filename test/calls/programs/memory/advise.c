/* madvise, mincore, mlock, memory policy: hints and what the program can see of them. */
#include "check.h"

int main(void) {
  size_t size = 16 * 4096;
  char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(block != MAP_FAILED);
  memset(block, 3, size);
  EXPECT_EQ(madvise(block, 4096, MADV_DONTNEED), 0);
  EXPECT_EQ(block[0], 0);
  EXPECT_EQ(block[4096], 3);
  int hints[] = {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTFORK,
                 MADV_DOFORK, MADV_DONTDUMP};
  for (size_t i = 0; i < LENGTH(hints); i++) EXPECT_EQ(madvise(block, size, hints[i]), 0);
  MAYBE_REFUSED(madvise(block, size, MADV_HUGEPAGE));
  MAYBE_REFUSED(madvise(block, size, MADV_NOHUGEPAGE));
  EXPECT_ERR(madvise(block + 1, 4096, MADV_NORMAL), EINVAL);
  EXPECT_ERR(madvise(block, 4096, 9999), EINVAL);
  EXPECT_ERR(madvise((void *)0x10000, 4096, MADV_WILLNEED), ENOMEM);
  EXPECT_EQ(madvise(block, 4096, MADV_WIPEONFORK), 0);
  block[0] = 5;
  pid_t child = fork();
  if (child == 0) _exit(block[0] == 0 && block[4096] == 3 ? 0 : 1);
  EXPECT_EQ(ended(child), 0);

  /* MADV_FREE: old bytes or zeroes, as the kernel likes; a store makes it certain. */
  EXPECT_EQ(madvise(block + 8192, 4096, MADV_FREE), 0);
  block[8192] = 1;
  EXPECT_EQ(block[8192], 1);

  unsigned char *in = guarded(16);
  EXPECT_EQ(mincore(block, size, in), 0);
  EXPECT(untouched(in, 16));
  EXPECT(in[1] & 1);
  EXPECT_ERR(mincore(block + 1, 4096, in), EINVAL);
  EXPECT_ERR(mincore((void *)0x10000, 4096, in), ENOMEM);
  EXPECT_ERR(syscall(SYS_mincore, block, 4096, 8), EFAULT);

  EXPECT_EQ(mlock(block, 4096), 0);
  EXPECT_EQ(mlock2(block + 4096, 4096, MLOCK_ONFAULT), 0);
  EXPECT_EQ(munlock(block, 8192), 0);
  EXPECT_ERR(mlock((void *)0x10000, 4096), ENOMEM);
  EXPECT_ERR(mlock2(block, 4096, 99), EINVAL);
  long all = MAYBE_REFUSED(mlockall(MCL_CURRENT));
  EXPECT(all == 0 || all == -1);
  EXPECT_EQ(munlockall(), 0);
  EXPECT_ERR(mlockall(99), EINVAL);

  int mode = -1;
  unsigned long nodes[16] = {0};
  MAYBE_REFUSED(syscall(SYS_get_mempolicy, &mode, nodes, 1024, 0, 0));
  MAYBE_REFUSED(syscall(SYS_set_mempolicy, 0, 0, 0));
  MAYBE_REFUSED(syscall(SYS_mbind, block, 4096, 0, 0, 0, 0));
  EXPECT(MAYBE_REFUSED(syscall(SYS_migrate_pages, 0x3ffffff, 1024, nodes, nodes)) == -1);
  EXPECT(MAYBE_REFUSED(syscall(SYS_move_pages, 0x3ffffff, 1, nodes, 0, nodes, 0)) == -1);
  MAYBE_REFUSED(syscall(SYS_set_mempolicy_home_node, block, 4096, 0, 1));
  MAYBE_REFUSED(syscall(453, 0, 0, 0));                             /* map_shadow_stack */
  MAYBE_REFUSED(syscall(462, block + 15 * 4096, 4096, 0));          /* mseal */
  fact("hints are hints");
  return finish();
}
