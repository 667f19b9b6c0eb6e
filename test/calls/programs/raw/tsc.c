/* The time stamp counter and other instructions whose result is not the program's own. */
#include "check.h"
#include <cpuid.h>
#include <x86intrin.h>

int main(void) {
  unsigned long long last = __rdtsc(), sum = 0;
  for (int i = 0; i < 500; i++) {
    unsigned aux;
    unsigned long long now = i % 2 ? __rdtsc() : __rdtscp(&aux);
    EXPECT(now >= last);
    sum = sum * 31 + now;
    last = now;
  }
  note("counter %llx", sum);
  unsigned a = 0, b = 0, c = 0, d = 0;
  EXPECT(__get_cpuid(0, &a, &b, &c, &d));
  note("cpuid %x %x %x %x", a, b, c, d);
  EXPECT(__get_cpuid(1, &a, &b, &c, &d));
  note("family %x features %x %x", a, c, d);
  double x = 1;
  for (int i = 0; i < 1000; i++) x = x * 1.0001 + 1e-9 * (double)(last & 0);
  fact("floating point %.12f", x);
  return finish();
}
