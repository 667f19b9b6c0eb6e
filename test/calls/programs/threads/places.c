/* Memory wherever a hint puts it: a thread that computes in it without a call, and is preempted,
 * goes on with it. Runtimes with a heap of their own ask for random places. */
#include "check.h"

#define WORDS 4096
static volatile int stop;
static const unsigned long hints[] = {
  0x080000000000, 0x200000000000, 0x2a0000000000, 0x300000000000, 0x39f2270c0000, 0x450000000000,
  0x60a000000000};
static volatile unsigned long *place[LENGTH(hints)];

static void *compute(void *unused) {
  (void)unused;
  unsigned long x = 88172645463325252ul;
  for (int i = 0; i < 12000000; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    for (size_t k = 0; k < LENGTH(hints); k++) place[k][x % WORDS] += x;
  }
  __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

int main(void) {
  for (size_t k = 0; k < LENGTH(hints); k++) {
    place[k] = mmap((void *)hints[k], WORDS * 8, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT((void *)place[k] != MAP_FAILED);
    note("hint %lx got %p", hints[k], (void *)place[k]);
  }
  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, compute, NULL), 0);
  for (int turns = 0; !__atomic_load_n(&stop, __ATOMIC_SEQ_CST); turns++) {
    usleep(2000);
    if (turns < 50) note("word %lx", place[4][turns]);
  }
  EXPECT_EQ(pthread_join(thread, NULL), 0);
  for (size_t k = 0; k < LENGTH(hints); k++) {
    unsigned long sum = 0;
    for (int i = 0; i < WORDS; i++) sum = sum * 31 + place[k][i];
    fact("sum %lx", sum);
  }
  return finish();
}
