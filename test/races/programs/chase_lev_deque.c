/* A work-stealing deque of Chase and Lev: one owner, three thieves. */
#include "race.h"
#define SIZE 256
static _Atomic long top, bottom;
static volatile uint64_t items[SIZE];
static _Atomic uint64_t taken[THREADS];
static void own(void) {
  for (unsigned i = 0; i < 6000; i++) {
    long b = bottom;
    if (b - top < SIZE - 1) {
      items[b % SIZE] = i;
      bottom = b + 1;
    }
    if (i % 3 == 0) {
      b = bottom - 1;
      bottom = b;
      long t = top;
      if (t < b) taken[0] += items[b % SIZE];
      else {
        if (t == b && atomic_compare_exchange_strong(&top, &t, t + 1)) taken[0] += items[b % SIZE];
        bottom = b + 1;
      }
    }
    now_and_then(i);
  }
}
static void *body(void *argument) {
  long me = (long)argument;
  if (me == 0) own();
  for (unsigned i = 0; me && i < 6000; i++) {
    long t = top;
    if (t < bottom) {
      uint64_t value = items[t % SIZE];
      if (atomic_compare_exchange_strong(&top, &t, t + 1)) taken[me] += value;
    }
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  run_all(body);
  return say_result(taken[0] * 31 + taken[1], taken[2] * 31 + taken[3]);
}
