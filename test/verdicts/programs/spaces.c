/* spaces.c: a child in a PID namespace of its own.
 * Expected: not replicable */
#include "small.h"

static int child(void *unused) {
  (void)unused;
  return getpid() == 1 ? 0 : 1;
}

int main(void) {
  static char stack[65536] __attribute__((aligned(16)));
  int status = 1;
  pid_t made = (pid_t)NEED(clone(child, stack + sizeof stack, CLONE_NEWPID | SIGCHLD, NULL));
  NEED(waitpid(made, &status, 0));
  tell("status", (unsigned long)WEXITSTATUS(status));
  return WEXITSTATUS(status);
}
