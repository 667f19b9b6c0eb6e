/* System V shared memory: made, attached twice, seen by a child, found by its key, removed. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/shm.h>

int main(void) {
  int id = (int)OK(shmget(IPC_PRIVATE, 10000, IPC_CREAT | 0600));
  char *first = shmat(id, NULL, 0), *second = shmat(id, NULL, SHM_RDONLY);
  EXPECT(first != (void *)-1 && second != (void *)-1 && first != second);
  strcpy(first + 5000, "seen through both");
  EXPECT_EQ(strcmp(second + 5000, "seen through both"), 0);
  struct shmid_ds *info = (void *)guarded(sizeof *info);
  EXPECT_EQ(shmctl(id, IPC_STAT, info), 0);
  EXPECT(untouched((unsigned char *)info, sizeof *info));
  EXPECT_EQ(info->shm_segsz, 10000);
  EXPECT_EQ(info->shm_nattch, 2);
  EXPECT_EQ(info->shm_cpid, getpid());
  note("segment %d at %p and %p", id, (void *)first, (void *)second);

  pid_t child = fork();
  if (child == 0) {
    first[0] = 'C';
    char *third = shmat(id, NULL, 0);
    third[1] = 'D';
    _exit(shmdt(third));
  }
  EXPECT_EQ(ended(child), 0);
  EXPECT(second[0] == 'C' && second[1] == 'D');
  EXPECT_EQ(shmctl(id, IPC_RMID, NULL), 0);
  EXPECT_EQ(first[0], 'C'); /* it lives as long as it is attached */
  EXPECT_EQ(shmdt(second), 0);
  EXPECT_EQ(shmdt(first), 0);
  EXPECT_ERR(shmdt(first), EINVAL);
  EXPECT(shmat(id, NULL, 0) == (void *)-1 && (errno == EINVAL || errno == EIDRM));
  EXPECT_ERR(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600), EINVAL);
  EXPECT_ERR(shmctl(-1, IPC_STAT, info), EINVAL);
  EXPECT_ERR(shmget(0x5eed5eed, 100, 0), ENOENT);

  /* Found by its key, in a process that makes its own way to it. */
  id = (int)OK(shmget(0x5eed0003, 4096, IPC_CREAT | IPC_EXCL | 0600));
  volatile int *mine = shmat(id, NULL, 0);
  child = fork();
  if (child == 0) {
    shmdt((void *)mine);
    volatile int *theirs = shmat((int)OK(shmget(0x5eed0003, 0, 0)), NULL, 0);
    for (int i = 0; i < 5; i++) {
      while (theirs[0] % 2 == 0) sched_yield();
      theirs[0]++;
    }
    _exit(0);
  }
  for (int i = 0; i < 5; i++) {
    mine[0]++;
    while (mine[0] % 2) sched_yield();
  }
  EXPECT_EQ(ended(child), 0);
  EXPECT_EQ(shmctl(id, IPC_STAT, info), 0);
  EXPECT_EQ(info->shm_nattch, 1);
  EXPECT_EQ(shmctl(id, IPC_RMID, NULL), 0);
  fact("passed %d times", mine[0]);
  return finish();
}
