/* sigaltstack: handlers on it, overflow of the real stack survived, state read back. */
#include "check.h"
#include <setjmp.h>

static char *area;
static const size_t size = 65536;
static volatile int on_it, faults;
static sigjmp_buf back;

static int within(const void *at) {
  return (const char *)at >= area && (const char *)at < area + size;
}

static void handler(int number) {
  char local;
  on_it = within(&local);
  stack_t now;
  EXPECT_EQ(sigaltstack(NULL, &now), 0);
  EXPECT_EQ(now.ss_flags == SS_ONSTACK, on_it);
  if (on_it) EXPECT_ERR(sigaltstack(&now, NULL), EPERM);
  if (number == SIGSEGV) {
    faults++;
    siglongjmp(back, 1);
  }
}

#pragma GCC diagnostic ignored "-Winfinite-recursion"
static int deeper(int level) {
  volatile char room[4096];
  room[0] = (char)level;
  return deeper(level + 1) + room[0];
}

static void *in_thread(void *unused) {
  (void)unused;
  stack_t now;
  EXPECT_EQ(sigaltstack(NULL, &now), 0);
  EXPECT_EQ(now.ss_flags, SS_DISABLE); /* each thread has its own, at first none */
  raise(SIGUSR1);
  EXPECT_EQ(on_it, 0);
  return NULL;
}

int main(void) {
  area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t stack = {.ss_sp = area, .ss_size = size}, *old = (void *)guarded(sizeof *old);
  EXPECT_EQ(sigaltstack(&stack, old), 0);
  EXPECT_EQ(old->ss_flags, SS_DISABLE);
  EXPECT(untouched((unsigned char *)old, sizeof *old));
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  EXPECT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  EXPECT_EQ(sigaction(SIGSEGV, &action, NULL), 0);
  action.sa_flags = 0;
  EXPECT_EQ(sigaction(SIGUSR2, &action, NULL), 0);
  raise(SIGUSR1);
  EXPECT_EQ(on_it, 1);
  raise(SIGUSR2);
  EXPECT_EQ(on_it, 0);
  fact("a handler runs on its stack");

  struct rlimit limit = {256 << 10, RLIM_INFINITY};
  EXPECT_EQ(setrlimit(RLIMIT_STACK, &limit), 0);
  if (sigsetjmp(back, 1) == 0) deeper(0);
  EXPECT_EQ(faults, 1);
  EXPECT_EQ(on_it, 1);
  if (sigsetjmp(back, 1) == 0) deeper(0);
  EXPECT_EQ(faults, 2);
  fact("an overflow is survived");

  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, in_thread, NULL), 0);
  EXPECT_EQ(pthread_join(thread, NULL), 0);
  stack.ss_size = 100;
  EXPECT_ERR(sigaltstack(&stack, NULL), ENOMEM);
  stack.ss_flags = 99;
  EXPECT_ERR(sigaltstack(&stack, NULL), EINVAL);
  EXPECT_ERR(syscall(SYS_sigaltstack, 8, 0), EFAULT);
  stack.ss_flags = SS_DISABLE;
  EXPECT_EQ(sigaltstack(&stack, old), 0);
  EXPECT(old->ss_sp == area && old->ss_size == size && old->ss_flags == 0);
  raise(SIGUSR1);
  EXPECT_EQ(on_it, 0);
  return finish();
}
