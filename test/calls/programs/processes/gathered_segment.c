/* A System V segment; then a process is killed that has it, and the baton, in a loop. */
#include "gathered.h"

static void killed(void *segment) {
  int status;
  struct shared *s = by_segment(segment);
  s->turn = 0;
  pid_t other = (pid_t)OK(fork());
  if (!other) {
    s->turn = 1;
    for (;;) compute(1000);
  }
  while (!s->turn) sched_yield();
  OK(kill(other, SIGKILL));
  EXPECT_EQ(OK(waitpid(other, &status, 0)), other);
  EXPECT(WIFSIGNALED(status));
  fact("killed by %d", WTERMSIG(status));
}

int main(void) {
  int id = (int)OK(shmget(IPC_PRIVATE, 4096, 0600));
  pair("segment", by_segment, &id);
  killed(&id);
  OK(shmctl(id, IPC_RMID, NULL));
  return check_failures != 0;
}
