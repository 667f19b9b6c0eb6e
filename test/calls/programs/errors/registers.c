/* What a system call may change: rax, rcx, r11 and nothing else. Flags are in r11, the return
 * address in rcx; vector registers, x87 state and the flags' direction stay as they are. */
#include "check.h"

struct machine {
  unsigned long rbx, rbp, rdi, rsi, rdx, r8, r9, r10, r12, r13, r14, r15, rax;
  unsigned char xmm[16][16];
};

/* Loads all of `in`, makes the call `nr`, stores all to `out`. */
void registers_around(const struct machine *in, struct machine *out, long nr);
__asm__(
    ".text\n.globl registers_around\nregisters_around:\n"
    "push %rbx\n\tpush %rbp\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
    "push %rsi\n\tpush %rdx\n\t"
    "movdqu 104(%rdi), %xmm0\n\tmovdqu 120(%rdi), %xmm1\n\tmovdqu 136(%rdi), %xmm2\n\t"
    "movdqu 152(%rdi), %xmm3\n\tmovdqu 168(%rdi), %xmm4\n\tmovdqu 184(%rdi), %xmm5\n\t"
    "movdqu 200(%rdi), %xmm6\n\tmovdqu 216(%rdi), %xmm7\n\tmovdqu 232(%rdi), %xmm8\n\t"
    "movdqu 248(%rdi), %xmm9\n\tmovdqu 264(%rdi), %xmm10\n\tmovdqu 280(%rdi), %xmm11\n\t"
    "movdqu 296(%rdi), %xmm12\n\tmovdqu 312(%rdi), %xmm13\n\tmovdqu 328(%rdi), %xmm14\n\t"
    "movdqu 344(%rdi), %xmm15\n\t"
    "mov 0(%rdi), %rbx\n\tmov 8(%rdi), %rbp\n\tmov 24(%rdi), %rsi\n\tmov 32(%rdi), %rdx\n\t"
    "mov 40(%rdi), %r8\n\tmov 48(%rdi), %r9\n\tmov 56(%rdi), %r10\n\tmov 64(%rdi), %r12\n\t"
    "mov 72(%rdi), %r13\n\tmov 80(%rdi), %r14\n\tmov 88(%rdi), %r15\n\tmov 16(%rdi), %rdi\n\t"
    "mov (%rsp), %rax\n\t"
    "syscall\n\t"
    "mov %rax, (%rsp)\n\tmov 8(%rsp), %rax\n\t" /* rax: out; the result is on the stack */
    "mov %rbx, 0(%rax)\n\tmov %rbp, 8(%rax)\n\tmov %rdi, 16(%rax)\n\tmov %rsi, 24(%rax)\n\t"
    "mov %rdx, 32(%rax)\n\tmov %r8, 40(%rax)\n\tmov %r9, 48(%rax)\n\tmov %r10, 56(%rax)\n\t"
    "mov %r12, 64(%rax)\n\tmov %r13, 72(%rax)\n\tmov %r14, 80(%rax)\n\tmov %r15, 88(%rax)\n\t"
    "pop %rcx\n\tmov %rcx, 96(%rax)\n\t"
    "movdqu %xmm0, 104(%rax)\n\tmovdqu %xmm1, 120(%rax)\n\tmovdqu %xmm2, 136(%rax)\n\t"
    "movdqu %xmm3, 152(%rax)\n\tmovdqu %xmm4, 168(%rax)\n\tmovdqu %xmm5, 184(%rax)\n\t"
    "movdqu %xmm6, 200(%rax)\n\tmovdqu %xmm7, 216(%rax)\n\tmovdqu %xmm8, 232(%rax)\n\t"
    "movdqu %xmm9, 248(%rax)\n\tmovdqu %xmm10, 264(%rax)\n\tmovdqu %xmm11, 280(%rax)\n\t"
    "movdqu %xmm12, 296(%rax)\n\tmovdqu %xmm13, 312(%rax)\n\tmovdqu %xmm14, 328(%rax)\n\t"
    "movdqu %xmm15, 344(%rax)\n\t"
    "pop %rsi\n\tpop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbp\n\tpop %rbx\n\tret\n");

static void around(long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d,
                   unsigned long e, unsigned long f, long wanted) {
  struct machine in, out;
  unsigned char *bytes = (void *)&in;
  for (size_t i = 0; i < sizeof in; i++) bytes[i] = (unsigned char)(i * 37 + 11);
  in.rdi = a, in.rsi = b, in.rdx = c, in.r10 = d, in.r8 = e, in.r9 = f;
  for (int i = 0; i < 3; i++) { /* the first time at this place and after */
    registers_around(&in, &out, nr);
    EXPECT_EQ(out.rax, wanted);
    out.rax = in.rax;
    EXPECT_MEM(&out, &in, sizeof in);
  }
}

int main(void) {
  errno = 1234;
  around(SYS_getpid, 1, 2, 3, 4, 5, 6, getpid());
  around(SYS_close, 900, 2, 3, 4, 5, 6, -EBADF);
  around(SYS_read, 900, 2, 3, 4, 5, 6, -EBADF);
  around(400, 1, 2, 3, 4, 5, 6, -ENOSYS);
  char text[8];
  int zero = (int)OK(open("/dev/zero", O_RDONLY));
  around(SYS_read, (unsigned long)zero, (unsigned long)text, 8, 4, 5, 6, 8);
  struct timespec t = {.tv_nsec = 1000};
  around(SYS_nanosleep, (unsigned long)&t, 0, 3, 4, 5, 6, 0);
  around(SYS_clock_gettime, CLOCK_MONOTONIC, (unsigned long)&t, 3, 4, 5, 6, 0);
  around(SYS_rt_sigprocmask, 0, 0, 0, 8, 5, 6, 0);
  around(SYS_mprotect, 1, 2, 3, 4, 5, 6, -EINVAL);
  around(SYS_sched_yield, 1, 2, 3, 4, 5, 6, 0);
  around(SYS_bpf, 9999, 0, 0, 4, 5, 6, RAW(SYS_bpf, 9999, 0, 0));
  EXPECT_EQ(errno, 1234);
  fact("only rax, rcx and r11");
  return finish();
}
