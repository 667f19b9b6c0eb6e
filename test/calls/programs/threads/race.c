/* Unsynchronised stores and lock-free structures: whatever comes out must come out again. */
#include "check.h"
#include <stdatomic.h>

static volatile long plain;
static atomic_long counted;
static volatile unsigned char shared[64];

struct node {
  struct node *next;
  int value;
};
static _Atomic(struct node *) stack;

static void *body(void *argument) {
  long number = (long)argument;
  for (int i = 0; i < 3000; i++) {
    plain = plain + 1; /* a data race: some additions are lost, which ones is the log's secret */
    atomic_fetch_add_explicit(&counted, 1, memory_order_relaxed);
    shared[(i * 7 + number) % 64] = (unsigned char)(shared[i % 64] + number);
    struct node *mine = malloc(sizeof *mine);
    mine->value = (int)number * 10000 + i;
    mine->next = atomic_load(&stack);
    while (!atomic_compare_exchange_weak(&stack, &mine->next, mine)) {
    }
    if (i % 50 == 0) sched_yield();
  }
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  for (long i = 0; i < 4; i++) EXPECT_EQ(pthread_create(&threads[i], NULL, body, (void *)i), 0);
  for (int i = 0; i < 4; i++) EXPECT_EQ(pthread_join(threads[i], NULL), 0);
  EXPECT_EQ(counted, 12000);
  EXPECT(plain >= 3000 && plain <= 12000);
  int length = 0;
  unsigned order = 0, bytes = 0;
  for (struct node *at = stack; at; at = at->next, length++)
    order = order * 31 + (unsigned)at->value;
  for (int i = 0; i < 64; i++) bytes = bytes * 31 + shared[i];
  EXPECT_EQ(length, 12000);
  fact("%d nodes", length);
  note("plain %ld, order %08x, bytes %08x", plain, order, bytes);
  return finish();
}
