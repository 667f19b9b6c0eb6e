/* Vyukov's bounded queue: a sequence number in each cell. */
#include "race.h"
#define SIZE 64
static struct { _Atomic unsigned sequence; volatile uint64_t value; } cells[SIZE];
static _Atomic unsigned in, out;
static _Atomic uint64_t order;
static int put(uint64_t value) {
  for (unsigned at = in;;) {
    int ahead = (int)(cells[at % SIZE].sequence - at);
    if (ahead < 0) return 0;
    if (ahead > 0) at = in;
    else if (atomic_compare_exchange_weak(&in, &at, at + 1)) {
      cells[at % SIZE].value = value;
      cells[at % SIZE].sequence = at + 1;
      return 1;
    }
  }
}
static int take(uint64_t *value) {
  for (unsigned at = out;;) {
    int ahead = (int)(cells[at % SIZE].sequence - (at + 1));
    if (ahead < 0) return 0;
    if (ahead > 0) at = out;
    else if (atomic_compare_exchange_weak(&out, &at, at + 1)) {
      *value = cells[at % SIZE].value;
      cells[at % SIZE].sequence = at + SIZE;
      return 1;
    }
  }
}
static void *body(void *argument) {
  uint64_t value = 0, refused = 0;
  for (unsigned i = 0; i < 5000; i++) {
    if ((long)argument < 2) refused += !put(i * 4 + (uint64_t)(long)argument);
    else if (take(&value)) atomic_store(&order, atomic_load(&order) * 31 + value);
    now_and_then(i);
  }
  atomic_fetch_add(&order, refused);
  return NULL;
}
int main(void) {
  for (unsigned i = 0; i < SIZE; i++) cells[i].sequence = i;
  run_all(body);
  return say_result(order, in - out);
}
