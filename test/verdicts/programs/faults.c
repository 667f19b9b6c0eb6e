/* faults.c: cannot do without userfaultfd.
 * Expected: not replicable */
#include "small.h"

int main(void) {
  int fd = (int)NEED(syscall(SYS_userfaultfd, O_CLOEXEC));
  tell("descriptor", (unsigned long)fd);
  return 0;
}
