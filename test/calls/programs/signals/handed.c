/* A handler that computes long while another thread has calls to make, and a loop that does after
 * it: the return from the handler is where the others get their turn, and then the loop. */
#include "check.h"

static volatile unsigned long work;
static volatile int seen, done;
static unsigned long others;

static void compute(void) {
  for (unsigned long i = 0; i < 20000000; i++) work += i;
}

static void on_signal(int number) {
  seen += number == SIGUSR1;
  compute();
}

static void *call(void *unused) {
  (void)unused;
  while (!done) {
    poll(NULL, 0, 1);
    others++;
  }
  return NULL;
}

int main(void) {
  struct sigaction action = {.sa_handler = on_signal};
  pthread_t other;
  sigaction(SIGUSR1, &action, NULL);
  pthread_create(&other, NULL, call, NULL);
  for (int i = 0; i < 20; i++) {
    pthread_kill(pthread_self(), SIGUSR1);
    compute();
    note("%d: another thread made %lu calls", i, others);
  }
  done = 1;
  pthread_join(other, NULL);
  fact("%d signals, %lu", seen, work);
  return finish();
}
