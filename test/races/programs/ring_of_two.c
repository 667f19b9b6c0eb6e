/* A ring buffer for one producer and one consumer with plain indices. */
#include "race.h"
static volatile unsigned head, tail;
static volatile uint64_t ring[32], sum, full;
static void *body(void *argument) {
  long me = (long)argument;
  for (unsigned i = 0; me < 2 && i < 20000; i++) {
    if (me == 0) {
      if (head - tail < 32) ring[head % 32] = i, head = head + 1;
      else full = full + 1;
    } else if (tail != head) {
      sum = sum * 3 + ring[tail % 32];
      tail = tail + 1;
    }
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  run_all(body);
  return say_result(sum, full << 32 | (head - tail));
}
