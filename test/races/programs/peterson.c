/* Peterson's lock for two, without the fences it needs. */
#include "race.h"
static volatile int wants[2], turn;
static volatile uint64_t inside, broken;
static void *body(void *argument) {
  int me = (int)(long)argument & 1;
  if ((long)argument > 1) return NULL;
  for (unsigned i = 0; i < 3000; i++) {
    wants[me] = 1;
    turn = 1 - me;
    WAIT_UNTIL(!wants[1 - me] || turn == me);
    uint64_t before = inside;
    inside = before + 1;
    broken += inside != before + 1;
    wants[me] = 0;
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  run_all(body);
  return say_result(inside, broken);
}
