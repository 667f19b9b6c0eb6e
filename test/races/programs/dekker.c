/* Dekker's lock for two with plain variables. */
#include "race.h"
static volatile int wants[2], turn;
static volatile uint64_t inside;
static void *body(void *argument) {
  int me = (int)(long)argument;
  if (me > 1) return NULL;
  for (unsigned i = 0; i < 2000; i++) {
    wants[me] = 1;
    WAIT_UNTIL(!wants[1 - me]) {
      if (turn == me) continue;
      wants[me] = 0;
      WAIT_UNTIL(turn == me);
      wants[me] = 1;
    }
    inside = inside * 3 + (uint64_t)me;
    turn = 1 - me;
    wants[me] = 0;
    now_and_then(i);
  }
  turn = 1 - me;
  return NULL;
}
int main(void) {
  run_all(body);
  return say_result(inside, (uint64_t)turn);
}
