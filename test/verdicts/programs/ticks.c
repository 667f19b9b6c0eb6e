/* ticks.c: reads the time stamp counter itself.
 * Expected: replicable */
#include "small.h"
#include <x86intrin.h>

int main(void) {
  unsigned processor;
  tell("rdtsc", __rdtsc());
  tell("rdtscp", __rdtscp(&processor));
  return 0;
}
