/* Shared memory by a descriptor that both processes have inherited. */
#include "gathered.h"

int main(void) {
  int fd = (int)OK(memfd_create("shared", 0));
  OK(ftruncate(fd, 4096));
  pair("descriptor", by_descriptor, &fd);
  return check_failures != 0;
}
