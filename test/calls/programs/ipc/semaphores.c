/* System V semaphores and queues: right where they are there, refused as a whole where not. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

static void semaphores(void) {
  errno = 0;
  int id = semget(IPC_PRIVATE, 2, IPC_CREAT | 0600);
  note("semget: %s", id < 0 ? strerrorname_np(errno) : "allowed");
  struct sembuf up = {0, 1, 0}, down = {0, -1, IPC_NOWAIT};
  struct timespec limit = {.tv_nsec = 2000000};
  if (id < 0) {
    EXPECT_EQ(errno, ENOSYS);
    EXPECT_ERR(semop(0, &up, 1), ENOSYS);
    EXPECT_ERR(semtimedop(0, &up, 1, &limit), ENOSYS);
    EXPECT_ERR(semctl(0, 0, GETVAL), ENOSYS);
    return;
  }
  EXPECT_EQ(semop(id, &up, 1), 0);
  EXPECT_EQ(semctl(id, 0, GETVAL), 1);
  EXPECT_EQ(semop(id, &down, 1), 0);
  EXPECT_ERR(semop(id, &down, 1), EAGAIN);
  down.sem_flg = 0;
  EXPECT_ERR(semtimedop(id, &down, 1, &limit), EAGAIN);
  EXPECT_EQ(semctl(id, 0, IPC_RMID), 0);
}

static void queues(void) {
  struct {
    long type;
    char text[16];
  } message = {3, "a message"};
  errno = 0;
  int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  note("msgget: %s", id < 0 ? strerrorname_np(errno) : "allowed");
  if (id < 0) {
    EXPECT_EQ(errno, ENOSYS);
    EXPECT_ERR(msgsnd(0, &message, 10, 0), ENOSYS);
    EXPECT_ERR(msgrcv(0, &message, 16, 0, 0), ENOSYS);
    EXPECT_ERR(msgctl(0, IPC_RMID, NULL), ENOSYS);
    return;
  }
  EXPECT_EQ(msgsnd(id, &message, 10, 0), 0);
  memset(&message, 0, sizeof message);
  EXPECT_EQ(msgrcv(id, &message, 16, 3, 0), 10);
  EXPECT_EQ(strcmp(message.text, "a message"), 0);
  EXPECT_ERR(msgrcv(id, &message, 16, 0, IPC_NOWAIT), ENOMSG);
  EXPECT_EQ(msgctl(id, IPC_RMID, NULL), 0);
}

int main(void) {
  semaphores();
  queues();
  fact("right or refused");
  return finish();
}
