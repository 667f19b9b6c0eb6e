/* Timer signals into a loop that computes and makes calls, and a jump out of the handler. */
#include "check.h"
#include <setjmp.h>

static volatile sig_atomic_t ticks;
static volatile unsigned long mixed, work;
static sigjmp_buf back;
static volatile int jumping;

static void tick(int number) {
  (void)number;
  ticks++;
  mixed = mixed * 31 + work; /* what the loop had done when the signal came is in the result */
  if (jumping && ticks % 3 == 0) siglongjmp(back, (int)ticks);
}

int main(void) {
  struct sigaction action = {.sa_handler = tick};
  EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
  struct itimerval timer = {.it_value = {.tv_usec = 1000}, .it_interval = {.tv_usec = 1000}};
  EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
  while (ticks < 15) {
    for (int i = 0; i < 3000; i++) work += (unsigned long)i;
    getppid();
  }
  fact("fifteen ticks into a loop with calls");
  note("mixed %lx", mixed);

  jumping = 1;
  volatile int jumps = 0;
  if (sigsetjmp(back, 1)) jumps++;
  while (jumps < 5) {
    char name[32];
    snprintf(name, sizeof name, "/proc/%d/none", (int)(work % 97));
    close(open(name, O_RDONLY));
    work++;
  }
  jumping = 0;
  fact("%d jumps out of a handler", jumps);

  /* A loop without any call at all: the handler has to get in all the same. */
  int before = ticks;
  unsigned long turns = 0;
  while (ticks < before + 5) {
    turns++;
    __asm__ volatile("" ::: "memory");
  }
  timer = (struct itimerval){.it_value = {0, 0}};
  EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
  note("%lu turns without a call", turns);
  fact("five ticks into a loop without calls");
  return finish();
}
