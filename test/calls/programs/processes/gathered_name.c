/* Shared memory by a name. */
#include "gathered.h"

int main(void) {
  char name[64];
  snprintf(name, sizeof name, "/hotswap-gathered-%d", (int)getpid());
  int fd = (int)OK(shm_open(name, O_RDWR | O_CREAT, 0600));
  OK(ftruncate(fd, 4096));
  close(fd);
  pair("name", by_name, name);
  OK(shm_unlink(name));
  return check_failures != 0;
}
