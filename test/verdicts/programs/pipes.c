/* pipes.c: a child, a pipe, and its end.
 * Expected: replicable */
#include "small.h"

int main(void) {
  int ends[2], status = -1;
  char text[32] = "";
  NEED(pipe(ends));
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    dprintf(ends[1], "%d", getpid());
    _exit(7);
  }
  NEED(read(ends[0], text, sizeof text - 1));
  NEED(waitpid(child, &status, 0));
  dprintf(1, "child %s ended with %d\n", text, WEXITSTATUS(status));
  return WEXITSTATUS(status) != 7;
}
