/* System V semaphores and queues: alone, and between processes that wait for each other. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

static void semaphores(void) {
  int id = (int)OK(semget(IPC_PRIVATE, 2, IPC_CREAT | 0600));
  struct sembuf up = {0, 1, 0}, down = {0, -1, IPC_NOWAIT};
  struct timespec limit = {.tv_nsec = 2000000};
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
  int id = (int)OK(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
  EXPECT_EQ(msgsnd(id, &message, 10, 0), 0);
  memset(&message, 0, sizeof message);
  EXPECT_EQ(msgrcv(id, &message, 16, 3, 0), 10);
  EXPECT_EQ(strcmp(message.text, "a message"), 0);
  EXPECT_ERR(msgrcv(id, &message, 16, 0, IPC_NOWAIT), ENOMSG);
  EXPECT_EQ(msgctl(id, IPC_RMID, NULL), 0);
}

/* Children take turns at a semaphore; one dies with it taken, and the kernel undoes that. */
static void between_processes(void) {
  int id = (int)OK(semget(0x5eed0001, 3, IPC_CREAT | IPC_EXCL | 0600));
  EXPECT_ERR(semget(0x5eed0001, 3, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
  EXPECT_EQ(semget(0x5eed0001, 0, 0), id);
  union {
    int value;
    unsigned short *array;
    struct semid_ds *info;
  } argument = {.array = (unsigned short[]){1, 0, 7}};
  EXPECT_EQ(semctl(id, 0, SETALL, argument), 0);
  struct sembuf take = {0, -1, SEM_UNDO}, give = {0, 1, SEM_UNDO}, tell = {1, 1, 0};
  pid_t children[3];
  for (int i = 0; i < 3; i++)
    if ((children[i] = fork()) == 0) {
      for (int n = 0; n < 5; n++) {
        EXPECT_EQ(semop(id, &take, 1), 0);
        usleep(200);
        EXPECT_EQ(semop(id, &tell, 1), 0);
        if (i == 2 && n == 4) _exit(0); /* without giving it back */
        EXPECT_EQ(semop(id, &give, 1), 0);
      }
      _exit(check_failures);
    }
  struct sembuf all = {1, -15, 0};
  EXPECT_EQ(semop(id, &all, 1), 0);
  for (int i = 0; i < 3; i++) EXPECT_EQ(ended(children[i]), 0);
  struct sembuf both[2] = {{0, -1, 0}, {1, 0, 0}}; /* waits for what is undone, and for a zero */
  EXPECT_EQ(semop(id, both, 2), 0);
  unsigned short values[3];
  argument.array = values;
  EXPECT_EQ(semctl(id, 0, GETALL, argument), 0);
  fact("values %d %d %d", values[0], values[1], values[2]);
  struct semid_ds info;
  argument.info = &info;
  EXPECT_EQ(semctl(id, 0, IPC_STAT, argument), 0);
  EXPECT_EQ(info.sem_nsems, 3);
  EXPECT_ERR(semctl(id, 9, GETVAL), EINVAL);
  EXPECT_EQ(semctl(id, 0, IPC_RMID), 0);
  EXPECT_ERR(semop(id, &take, 1), EINVAL);
}

static void queue_between_processes(void) {
  struct {
    long type;
    char text[4000];
  } message = {1, {0}};
  int id = (int)OK(msgget(0x5eed0002, IPC_CREAT | 0600));
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 40; i++) { /* more than the queue holds: the sender waits */
      message.type = 1 + i % 2;
      memset(message.text, 'a' + i % 26, sizeof message.text);
      EXPECT_EQ(msgsnd(id, &message, sizeof message.text, 0), 0);
    }
    _exit(check_failures);
  }
  unsigned sum = 0;
  for (int i = 0; i < 20; i++) {
    EXPECT_EQ(msgrcv(id, &message, sizeof message.text, 1, 0), 4000);
    sum = sum * 31 + (unsigned char)message.text[3999];
    EXPECT_EQ(msgrcv(id, &message, 10, 2, MSG_NOERROR), 10);
    sum = sum * 31 + (unsigned char)message.text[9];
  }
  EXPECT_EQ(ended(child), 0);
  struct msqid_ds info;
  EXPECT_EQ(msgctl(id, IPC_STAT, &info), 0);
  EXPECT_EQ(info.msg_qnum, 0);
  EXPECT_EQ(msgctl(id, IPC_RMID, NULL), 0);
  fact("40 messages: %08x", sum);
}

int main(void) {
  semaphores();
  queues();
  between_processes();
  queue_between_processes();
  return finish();
}
