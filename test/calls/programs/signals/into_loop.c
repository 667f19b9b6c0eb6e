/* Signals into loops that make no call: alarm, a timer, another process; a default that is fatal;
 * an alternate stack; vector registers that the handler changes. */
#include "check.h"

static volatile sig_atomic_t seen;
static volatile unsigned long turns;
static volatile double other;

static void on_signal(int number) {
  other = other * 1.5 + (double)turns; /* its own use of vector registers */
  seen = number;
}

static void loop_until(int number) {
  double mine = 1;
  seen = 0;
  while (seen != number) {
    turns++;
    mine = mine * 1.0000001 + 1e-9;
  }
  note("signal %d after %lu turns: %a %a", number, turns, mine, other);
}

int main(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
  alarm(1);
  loop_until(SIGALRM);
  fact("alarm");
  struct itimerval timer = {.it_value = {.tv_usec = 5000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  loop_until(SIGALRM);
  fact("timer");

  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
  EXPECT_EQ(sigaltstack(&stack, NULL), 0);
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR1, &action, NULL);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    usleep(2000);
    kill(parent, SIGUSR1);
    _exit(0);
  }
  loop_until(SIGUSR1);
  EXPECT_EQ(ended(child), 0);
  fact("another process");

  child = fork();
  if (child == 0)
    for (;;) turns++;
  usleep(2000);
  kill(child, SIGTERM);
  EXPECT_EQ(ended(child), 1000 + SIGTERM);
  fact("a loop that is ended");
  return finish();
}
