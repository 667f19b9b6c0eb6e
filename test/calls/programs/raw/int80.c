/* int $0x80 in a 64-bit program: the 32-bit numbers. It works as on the host, or is refused as by
 * a kernel without it: what it may never do is run a call unseen under the wrong number. */
#include "check.h"
#include <setjmp.h>

static sigjmp_buf back;
static void on_segv(int number) { (void)number, siglongjmp(back, 1); }

static long old_call(long nr) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(0), "c"(0), "d"(0) : "memory", "r8",
                   "r9", "r10", "r11");
  return result;
}

int main(void) {
  signal(SIGSEGV, on_segv);
  if (sigsetjmp(back, 1) == 0) {
    long pid = old_call(20); /* getpid; 20 is writev in the 64-bit table */
    EXPECT(pid == getpid() || pid == -ENOSYS);
    note("int 0x80 says %ld", pid);
    EXPECT_EQ(old_call(500), -ENOSYS);
  } else {
    note("int 0x80 faults");
  }
  fact("int 0x80 is there or not");
  return finish();
}
