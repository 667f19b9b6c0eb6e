/* brk and sbrk: growing, shrinking, what is refused, and bytes that stay. */
#include "check.h"

int main(void) {
  char *start = sbrk(0);
  EXPECT(start != (void *)-1);
  EXPECT_EQ(RAW(SYS_brk, 0), start);
  EXPECT(sbrk(10000) == start);
  EXPECT(sbrk(0) == (void *)(start + 10000));
  memset(start, 0x5a, 10000);
  EXPECT_EQ(brk(start + 500000), 0);
  EXPECT_EQ(start[9999], 0x5a);
  EXPECT_EQ(start[400000], 0);
  memset(start + 10000, 0x11, 490000);
  EXPECT_EQ(brk(start + 4096), 0);
  EXPECT(sbrk(0) == (void *)(start + 4096));
  EXPECT_EQ(brk(start + 500000), 0);
  EXPECT_EQ(start[4095], 0x5a);
  EXPECT_EQ(start[490000], 0); /* pages given back come anew as zeroes */
  EXPECT_EQ(RAW(SYS_brk, 4096), start + 500000); /* refused: the old end is returned */
  EXPECT_EQ(RAW(SYS_brk, ~0ul << 12), start + 500000);
  EXPECT_ERR(brk((void *)(~0ul << 12)), ENOMEM);
  EXPECT_EQ(brk(start), 0);
  note("break at %p", (void *)start);
  for (int i = 1; i < 200; i++) {
    char *at = sbrk(4096);
    EXPECT(at != (void *)-1);
    at[0] = (char)i;
  }
  unsigned sum = 0;
  for (int i = 0; i < 199; i++) sum += (unsigned char)start[i * 4096];
  fact("sum %u", sum);
  return finish();
}
