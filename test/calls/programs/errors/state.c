/* Around calls: flags, rounding, the x87 stack, wide vectors, errno, signal mask are kept. */
#include "check.h"
#include <fenv.h>

static unsigned long flags_after(unsigned long wanted) {
  unsigned long got;
  __asm__ volatile("push %1\n\tpopfq\n\tmov $39, %%eax\n\tsyscall\n\tpushfq\n\tpop %0\n\tcld"
                   : "=&r"(got) : "r"(wanted) : "rax", "rcx", "r11", "memory", "cc");
  return got;
}

int main(void) {
  unsigned long arithmetic = 0x8d5; /* carry, parity, adjust, zero, sign, overflow */
  EXPECT_EQ(flags_after(0x202 | arithmetic) & arithmetic, arithmetic);
  EXPECT_EQ(flags_after(0x202) & arithmetic, 0);
  EXPECT_EQ(flags_after(0x602) & 0x400, 0x400); /* even a direction that no ABI allows */

  unsigned rcx_is_ip, r11_is_flags;
  unsigned long rcx, r11, flags, ip;
  __asm__ volatile("pushfq\n\tpop %2\n\tlea 1f(%%rip), %3\n\tmov $39, %%eax\n\tsyscall\n1:\n\t"
                   "mov %%rcx, %0\n\tmov %%r11, %1"
                   : "=&r"(rcx), "=&r"(r11), "=&r"(flags), "=&r"(ip) : : "rax", "rcx", "r11",
                     "memory");
  rcx_is_ip = rcx == ip, r11_is_flags = (r11 & ~0x10000ul) == (flags & ~0x10000ul);
  note("rcx is the return address: %u, r11 the flags: %u", rcx_is_ip, r11_is_flags);

  EXPECT_EQ(fesetround(FE_UPWARD), 0);
  feclearexcept(FE_ALL_EXCEPT);
  volatile double one = 1, three = 3;
  volatile double up = one / three;
  getppid();
  EXPECT_EQ(fegetround(), FE_UPWARD);
  EXPECT(fetestexcept(FE_INEXACT));
  volatile double again = one / three;
  EXPECT(up == again);
  EXPECT_EQ(fesetround(FE_TONEAREST), 0);
  long double kept = 0;
  __asm__ volatile("fld1\n\tfldpi\n\tmov $39, %%eax\n\tsyscall\n\tfaddp\n\tfstpt %0"
                   : "=m"(kept) : : "rax", "rcx", "r11", "memory", "st", "st(1)");
  fact("pi and one are %.10Lf", kept);

  if (__builtin_cpu_supports("avx")) {
    unsigned char in[32], out[32];
    for (int i = 0; i < 32; i++) in[i] = (unsigned char)(i * 7 + 1);
    for (int i = 0; i < 3; i++) {
      __asm__ volatile("vmovdqu %1, %%ymm9\n\tmov $110, %%eax\n\tsyscall\n\tvmovdqu %%ymm9, %0\n\t"
                       "vzeroupper"
                       : "=m"(out) : "m"(in) : "rax", "rcx", "r11", "memory", "xmm9");
      EXPECT_MEM(out, in, 32);
    }
  }
  note("wide vectors: %s", __builtin_cpu_supports("avx") ? "kept" : "none here");

  errno = 4321;
  for (int i = 0; i < 10; i++) {
    EXPECT(getpid() > 0);
    EXPECT(now_ns(CLOCK_MONOTONIC) > 0);
    EXPECT_EQ(sched_yield(), 0);
  }
  EXPECT_EQ(errno, 4321);
  sigset_t before, after;
  sigprocmask(SIG_BLOCK, NULL, &before);
  close(open("/dev/null", O_RDONLY));
  sigprocmask(SIG_BLOCK, NULL, &after);
  EXPECT_MEM(&before, &after, 8);
  fact("state is kept");
  return finish();
}
