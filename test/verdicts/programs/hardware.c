/* hardware.c: random bits from the processor, by an instruction that nothing traps.
 * Expected: replicable */
#include "small.h"
#include <cpuid.h>

int main(void) {
  unsigned a, b, c = 0, d;
  unsigned long word = 0;
  unsigned char ok = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_RDRND)) return 1;
  for (int i = 0; i < 10 && !ok; i++)
    __asm__ volatile("rdrand %0; setc %1" : "=r"(word), "=qm"(ok));
  tell("rdrand", word);
  return !ok;
}
