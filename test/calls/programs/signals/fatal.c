/* Deaths by signal, each in a child: what the parent is told, and output before it is kept. */
#include "check.h"
#include <sys/prctl.h>

static pthread_t other;
static void *waits(void *unused) {
  (void)unused;
  for (;;) pause();
  return NULL;
}

static void die(int how) {
  volatile int zero = 0;
  fact("child %d is about to die", how);
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  switch (how) {
    case 0: abort();
    case 1: *(volatile int *)0x18 = 1; break;
    case 2: zero = how / zero; break;
    case 3: __asm__ volatile("ud2"); break;
    case 4: raise(SIGTERM); break;
    case 5: kill(getpid(), SIGKILL); break;
    case 6: signal(SIGALRM, SIG_DFL); ualarm(1000, 0); for (;;) pause();
    case 7: close(1); signal(SIGUSR1, SIG_DFL); pthread_kill(pthread_self(), SIGUSR1); break;
    case 8:
      pthread_create(&other, NULL, waits, NULL);
      pthread_kill(other, SIGQUIT);
      for (;;) pause();
    case 9: raise(SIGRTMIN + 5); break;
    case 10: signal(SIGSEGV, SIG_IGN); *(volatile int *)0x18 = 1; break; /* cannot be ignored */
    case 11: prctl(PR_SET_PDEATHSIG, SIGHUP); raise(SIGHUP); break;
  }
}

int main(void) {
  int wanted[] = {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGTERM, SIGKILL, SIGALRM, SIGUSR1, SIGQUIT,
                  SIGRTMIN + 5, SIGSEGV, SIGHUP};
  for (int how = 0; how < (int)LENGTH(wanted); how++) {
    pid_t child = fork();
    if (child == 0) {
      die(how);
      _exit(77);
    }
    EXPECT_EQ(ended(child), 1000 + wanted[how]);
  }
  fact("%zu deaths", LENGTH(wanted));
  return finish();
}
