/* Values of 128 bits, written and read in two halves. */
#include "race.h"
static volatile unsigned __int128 wide;
static volatile uint64_t torn, sum;
static void *body(void *argument) {
  for (unsigned i = 0; i < 30000; i++) {
    uint64_t half = (uint64_t)i * THREADS + (uint64_t)(long)argument;
    if ((long)argument % 2) {
      wide = (unsigned __int128)half << 64 | half;
    } else {
      unsigned __int128 got = wide;
      if ((uint64_t)(got >> 64) != (uint64_t)got) torn = torn + 1;
      sum = sum * 3 + (uint64_t)got;
    }
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  run_all(body);
  return say_result(torn, sum);
}
