/* segments.c: shared memory of System V.
 * Expected: as the call table says */
#include "small.h"
#include <sys/shm.h>

int main(void) {
  int id = (int)NEED(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
  unsigned long *count = shmat(id, NULL, 0);
  NEED(shmctl(id, IPC_RMID, NULL));
  if (count == (void *)-1) return 1;
  pid_t child = (pid_t)NEED(fork());
  count[child == 0] = (unsigned long)getpid();
  if (child == 0) _exit(0);
  NEED(waitpid(child, NULL, 0));
  tell("child", count[1]);
  return 0;
}
