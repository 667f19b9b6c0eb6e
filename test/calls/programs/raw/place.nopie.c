/* A program linked to a fixed address: code, data and break lie low, where it was told. */
#include "check.h"

static int variable = 3;

int main(void) {
  EXPECT((uintptr_t)&variable < 0x1000000);
  EXPECT((uintptr_t)main < 0x1000000);
  EXPECT((uintptr_t)main >= 0x400000);
  fact("main at %p, variable at %p", (void *)main, (void *)&variable);
  EXPECT_EQ(RAW(SYS_getpid), getpid());
  for (int i = 0; i < 100; i++) EXPECT_EQ(RAW(SYS_getppid), getppid());
  note("break %p stack %p", sbrk(0), (void *)&(int){0});
  EXPECT(RAW(SYS_brk, 0) >= (long)&variable);
  pid_t child = fork();
  if (child == 0) _exit(++variable);
  EXPECT_EQ(ended(child), 4);
  EXPECT_EQ(variable, 3);
  return finish();
}
