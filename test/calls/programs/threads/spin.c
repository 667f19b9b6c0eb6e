/* Threads that wait for each other by spinning: with sched_yield, with pause, with sleep. */
#include "check.h"

static volatile int turn;
static int kind;

static void wait_a_little(void) {
  if (kind == 0) sched_yield();
  if (kind == 1) __builtin_ia32_pause();
  if (kind == 2) usleep(50);
}

static void *partner(void *argument) {
  int mine = (int)(long)argument;
  for (int i = 0; i < 100; i++) {
    while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != mine) wait_a_little();
    __atomic_store_n(&turn, !mine, __ATOMIC_RELEASE);
  }
  return NULL;
}

int main(void) {
  static const char *names[] = {"yield", "pause", "sleep"};
  for (kind = 0; kind < 3; kind++) {
    pthread_t a, b;
    EXPECT_EQ(pthread_create(&a, NULL, partner, (void *)0), 0);
    EXPECT_EQ(pthread_create(&b, NULL, partner, (void *)1), 0);
    EXPECT_EQ(pthread_join(a, NULL), 0);
    EXPECT_EQ(pthread_join(b, NULL), 0);
    EXPECT_EQ(turn, 0);
    fact("200 turns by %s", names[kind]);
  }
  return finish();
}
