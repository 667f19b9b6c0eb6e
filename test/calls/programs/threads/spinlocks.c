/* Locks that only spin, in their usual forms, with and without `pause`: three threads count under
 * each. A thread that computes with vectors between its turns keeps what it holds in them. */
#include "check.h"

#define THREADS 3
#define ROUNDS 40

static int kind;
static long counter, order;
static volatile int flag;
static volatile unsigned ticket, serving, sequence;
static volatile long pair_a, pair_b;

static void relax(void) {
  if (kind % 2) __builtin_ia32_pause();
}

static void with_flag(void) {
  while (__atomic_exchange_n(&flag, 1, __ATOMIC_ACQUIRE))
    while (flag) relax();
  counter++;
  __atomic_store_n(&flag, 0, __ATOMIC_RELEASE);
}

static void with_ticket(void) {
  unsigned mine = __atomic_fetch_add(&ticket, 1, __ATOMIC_RELAXED);
  while (__atomic_load_n(&serving, __ATOMIC_ACQUIRE) != mine) relax();
  counter++;
  order = order * 31 + gettid();
  __atomic_store_n(&serving, mine + 1, __ATOMIC_RELEASE);
}

/* One writer at a time (the flag); readers try again until they saw no writer. */
static void with_sequence(void) {
  while (__atomic_exchange_n(&flag, 1, __ATOMIC_ACQUIRE)) relax();
  __atomic_fetch_add(&sequence, 1, __ATOMIC_ACQ_REL);
  pair_a++;
  sched_yield();
  pair_b = -pair_a;
  counter++;
  __atomic_fetch_add(&sequence, 1, __ATOMIC_RELEASE);
  __atomic_store_n(&flag, 0, __ATOMIC_RELEASE);
  unsigned before;
  long a, b;
  do {
    while ((before = __atomic_load_n(&sequence, __ATOMIC_ACQUIRE)) & 1) relax();
    a = pair_a, b = pair_b;
  } while (__atomic_load_n(&sequence, __ATOMIC_ACQUIRE) != before);
  if (a + b) FAIL("a pair was seen half written");
}

/* In turns: each waits for the one before it, so each turn needs a hand-over. */
static void in_turns(int who) {
  static volatile int turn;
  while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != who) relax();
  counter++;
  __atomic_store_n(&turn, (who + 1) % THREADS, __ATOMIC_RELEASE);
}

static void *run(void *argument) {
  double held = 1.5 + (double)(long)argument;
  for (int i = 0; i < ROUNDS; i++) {
    switch (kind / 2) {
      case 0: with_flag(); break;
      case 1: with_ticket(); break;
      case 2: with_sequence(); break;
      default: in_turns((int)(long)argument); break;
    }
    held = held * 1.0625 - 0.03125;
    if (i % 8 == 0) getppid();
  }
  if (!(held > 1)) FAIL("vector registers were lost");
  return NULL;
}

int main(void) {
  static const char *const names[] = {"flag", "ticket", "sequence", "turns"};
  for (kind = 0; kind < 8; kind++) {
    pthread_t threads[THREADS];
    counter = 0;
    for (long i = 0; i < THREADS; i++)
      EXPECT_EQ(pthread_create(&threads[i], NULL, run, (void *)i), 0);
    for (int i = 0; i < THREADS; i++) EXPECT_EQ(pthread_join(threads[i], NULL), 0);
    EXPECT_EQ(counter, THREADS * ROUNDS);
    fact("%s %s pause", names[kind / 2], kind % 2 ? "with" : "without");
  }
  note("order %lx", order);
  return finish();
}
