/* shared.c: two processes count in memory they share.
 * Expected: with --schedule serial */
#include "small.h"

int main(void) {
  unsigned long *count =
    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (count == MAP_FAILED) return 1;
  pid_t child = (pid_t)NEED(fork());
  for (int i = 0; i < 3000; i++) {
    __atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
    if (i % 100 == 0) {
      count[1] = (unsigned long)getpid();
      sched_yield();
    }
  }
  if (child == 0) _exit(0);
  NEED(waitpid(child, NULL, 0));
  tell("count", count[0]);
  tell("last", count[1]);
  return count[0] != 6000;
}
