/* groups.c: a process and its child that share no memory: both compute, and after each round tell
 * each other their result over a pipe. Prints one line: "pair <milliseconds>", of real time.
 * Usage: groups [ROUNDS]. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 1000000 }; /* a round: some milliseconds */

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static unsigned compute(int rounds, int in, int out) {
  unsigned sum = 1, other;
  for (int round = 0; round < rounds; round++) {
    for (unsigned i = 0; i < STEPS; i++) sum = sum * 1103515245u + 12345u + (sum >> 7);
    if (write(out, &sum, sizeof sum) != sizeof sum) exit(1);
    if (read(in, &other, sizeof other) != sizeof other) exit(1);
    sum += other;
  }
  return sum;
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 200, there[2], back[2];
  if (pipe(there) || pipe(back)) return 1;
  pid_t child = fork();
  if (child < 0) return 1;
  double start = now_ms();
  if (!child) return compute(rounds, there[0], back[1]) == 0;
  unsigned sum = compute(rounds, back[0], there[1]);
  printf("pair %.3f\n", now_ms() - start);
  return sum == 0; /* so that it is worked out */
}
