/* What SA_SIGINFO tells: code, sender, value, address, status; and the context handed over. */
#include "check.h"
#include <setjmp.h>
#include <ucontext.h>

static siginfo_t last;
static volatile int count;
static sigjmp_buf back;
static int jump;
static ucontext_t seen;

static void on_signal(int number, siginfo_t *info, void *context) {
  EXPECT_EQ(number, info->si_signo);
  last = *info;
  seen = *(ucontext_t *)context;
  count++;
  if (jump) siglongjmp(back, 1);
}

static void handle(int number) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  EXPECT_EQ(sigaction(number, &action, NULL), 0);
}

int main(void) {
  int numbers[] = {SIGUSR1, SIGRTMIN, SIGCHLD, SIGALRM, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS};
  for (size_t i = 0; i < LENGTH(numbers); i++) handle(numbers[i]);

  EXPECT_EQ(kill(getpid(), SIGUSR1), 0);
  EXPECT(last.si_code == SI_USER && last.si_pid == getpid() && last.si_uid == getuid());
  EXPECT_EQ(raise(SIGUSR1), 0);
  EXPECT_EQ(last.si_code, SI_TKILL);
  EXPECT_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1234}), 0);
  EXPECT(last.si_code == SI_QUEUE && last.si_value.sival_int == 1234);
  EXPECT(seen.uc_mcontext.gregs[REG_RIP] != 0 && seen.uc_mcontext.fpregs != NULL);
  EXPECT_EQ(sigismember(&seen.uc_sigmask, SIGUSR1), 0);
  fact("sent: %d signals", count);

  pid_t child = fork();
  if (child == 0) _exit(9);
  while (last.si_signo != SIGCHLD) usleep(200);
  EXPECT_EQ(last.si_code, CLD_EXITED);
  EXPECT(last.si_pid == child && last.si_status == 9);
  EXPECT_EQ(ended(child), 9);
  last.si_signo = 0;
  child = fork();
  if (child == 0) {
    signal(SIGSEGV, SIG_DFL);
    kill(getpid(), SIGKILL);
  }
  while (last.si_signo != SIGCHLD) usleep(200);
  EXPECT(last.si_code == CLD_KILLED && last.si_status == SIGKILL);
  EXPECT_EQ(ended(child), 1000 + SIGKILL);
  struct itimerval timer = {.it_value = {.tv_usec = 1000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  while (last.si_signo != SIGALRM) usleep(200);
  EXPECT_EQ(last.si_code, SI_KERNEL);
  fact("from the kernel");

  jump = 1;
  volatile int zero = 0, result = 1000;
  if (!sigsetjmp(back, 1)) result = result / zero;
  EXPECT(last.si_signo == SIGFPE && last.si_code == FPE_INTDIV);
  if (!sigsetjmp(back, 1)) __asm__ volatile("ud2");
  EXPECT_EQ(last.si_signo, SIGILL);
  if (!sigsetjmp(back, 1)) *(volatile int *)0x123000 = result;
  EXPECT(last.si_signo == SIGSEGV && last.si_addr == (void *)0x123000);
  EXPECT_EQ(last.si_code, SEGV_MAPERR);
  if (!sigsetjmp(back, 1)) __asm__ volatile("int3");
  EXPECT_EQ(last.si_signo, SIGTRAP);
  int fd = file_of("short", "x");
  volatile char *map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
  if (!sigsetjmp(back, 1)) result = map[4096];
  EXPECT(last.si_signo == SIGBUS && last.si_addr == map + 4096);
  sigset_t now;
  EXPECT_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
  EXPECT_EQ(sigismember(&now, SIGSEGV), 0);
  fact("of the program's own making");
  return finish();
}
