/* uring.c: cannot do without io_uring.
 * Expected: not replicable */
#include "small.h"
#include <linux/io_uring.h>

int main(void) {
  struct io_uring_params parameters = {0};
  int fd = (int)NEED(syscall(SYS_io_uring_setup, 4, &parameters));
  tell("features", parameters.features);
  NEED(syscall(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 0));
  return 0;
}
