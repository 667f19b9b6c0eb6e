/* mprotect, and faults that a handler repairs: what siginfo says of them, and no lost store. */
#include "check.h"
#include <setjmp.h>

static char *block;
static volatile int faults, codes[64];
static sigjmp_buf back;

static void repair(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  char *page = (char *)((uintptr_t)info->si_addr & ~4095ul);
  codes[faults++ % 64] = info->si_code;
  if (page < block || page >= block + 16 * 4096) siglongjmp(back, 1);
  mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

int main(void) {
  block = mmap(NULL, 16 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(block != MAP_FAILED);
  struct sigaction action = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};
  EXPECT_EQ(sigaction(SIGSEGV, &action, NULL), 0);
  for (int i = 0; i < 16; i++) block[i * 4096 + i] = (char)(i + 1);
  EXPECT_EQ(faults, 16);
  EXPECT_EQ(codes[3], SEGV_ACCERR);
  int sum = 0;
  for (int i = 0; i < 16; i++) sum += block[i * 4096 + i];
  fact("%d faults, sum %d", faults, sum);

  EXPECT_EQ(mprotect(block, 16 * 4096, PROT_READ), 0);
  block[5 * 4096] = 9;
  EXPECT_EQ(faults, 17);
  EXPECT_EQ(block[5 * 4096], 9);

  volatile char *nowhere = (char *)0x10;
  if (sigsetjmp(back, 1) == 0) {
    *nowhere = 1;
    FAIL("a store to nowhere went through");
  }
  EXPECT_EQ(codes[17], SEGV_MAPERR);
  EXPECT_EQ(faults, 18);

  EXPECT_ERR(mprotect(block + 1, 4096, PROT_READ), EINVAL);
  EXPECT_EQ(mprotect(block, 0, PROT_READ), 0);
  EXPECT_ERR(mprotect((void *)0x10000, 4096, PROT_READ), ENOMEM);
  EXPECT_ERR(mprotect(block, 4096, 0x999), EINVAL);

  /* A read into memory that may not be written: EFAULT from the call, no signal. */
  int ends[2];
  OK(pipe(ends));
  EXPECT_EQ(write(ends[1], "abc", 3), 3);
  EXPECT_EQ(mprotect(block, 4096, PROT_READ), 0);
  EXPECT_ERR(read(ends[0], block, 3), EFAULT);
  EXPECT_EQ(faults, 18);
  EXPECT_EQ(mprotect(block, 4096, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
  EXPECT_EQ(write(ends[1], "def", 3), 3);
  EXPECT(read(ends[0], block, 3) == 3);

  /* Code written, then run: mov $42,%eax; ret. */
  static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
  memcpy(block + 64, code, sizeof code);
  int (*made)(void) = (int (*)(void))(void *)(block + 64);
  fact("made code returns %d", made());

  long key = MAYBE_REFUSED(pkey_alloc(0, 0));
  long with = MAYBE_REFUSED(pkey_mprotect(block, 4096, PROT_READ | PROT_WRITE, (int)key));
  EXPECT(key >= 0 || with == 0 || with == -1);
  if (key >= 0) EXPECT_EQ(pkey_free((int)key), 0);
  else EXPECT(MAYBE_REFUSED(pkey_free(15)) == -1);
  return finish();
}
