/* alarms.c: a timer's signal wakes it, three times.
 * Expected: replicable */
#include "small.h"

static volatile sig_atomic_t seen;
static void on_alarm(int number) { (void)number, seen++; }

int main(void) {
  struct itimerval every = {{0, 5000}, {0, 5000}};
  sigset_t blocked, before;
  signal(SIGALRM, on_alarm);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGALRM);
  NEED(sigprocmask(SIG_BLOCK, &blocked, &before));
  NEED(setitimer(ITIMER_REAL, &every, NULL));
  while (seen < 3) sigsuspend(&before);
  tell("alarms", (unsigned long)seen);
  return 0;
}
