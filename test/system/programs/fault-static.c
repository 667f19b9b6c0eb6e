/* fault-static.c: a program without a dynamic loader that asks for time, randomness and its pid,
 * and prints what it got: the same text twice is a replay's work. */
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

int main(void) {
  struct timespec now;
  unsigned long chance = 0;
  if (clock_gettime(CLOCK_REALTIME, &now)) return 1;
  if (getrandom(&chance, sizeof chance, 0) != sizeof chance) return 1;
  printf("%lld.%09ld %016lx %d\n", (long long)now.tv_sec, now.tv_nsec, chance, (int)getpid());
  return 0;
}
