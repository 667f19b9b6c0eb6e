/* Memory shared between parent and children: futexes, counters, mutexes, a ring, a SysV segment. */
#include "check.h"
#include <linux/futex.h>
#include <semaphore.h>

struct shared {
  uint32_t word;
  volatile int turn, total;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  sem_t free, used;
  int ring[8];
  unsigned order;
};

static struct shared *s;

static void child_body(int number) {
  for (int i = 0; i < 50; i++) {
    pthread_mutex_lock(&s->mutex);
    s->total++;
    s->order = s->order * 31 + (unsigned)number;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
  }
  for (int i = 0; i < 30; i++) { /* strict turns, by spinning on shared memory */
    while (s->turn % 3 != number) sched_yield();
    s->turn++;
  }
}

int main(void) {
  s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  EXPECT(s != MAP_FAILED);
  pthread_mutexattr_t mutex;
  pthread_condattr_t condition;
  pthread_mutexattr_init(&mutex);
  pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&s->mutex, &mutex);
  pthread_condattr_init(&condition);
  pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
  pthread_cond_init(&s->changed, &condition);
  sem_init(&s->free, 1, 8);
  sem_init(&s->used, 1, 0);

  pid_t waiter = fork();
  if (waiter == 0) {
    while (__atomic_load_n(&s->word, __ATOMIC_SEQ_CST) == 0)
      syscall(SYS_futex, &s->word, FUTEX_WAIT, 0, NULL, NULL, 0);
    _exit((int)s->word);
  }
  usleep(1000);
  __atomic_store_n(&s->word, 55, __ATOMIC_SEQ_CST);
  EXPECT(syscall(SYS_futex, &s->word, FUTEX_WAKE, 1, NULL, NULL, 0) >= 0);
  EXPECT_EQ(ended(waiter), 55);
  fact("woken over a process's border");

  pid_t children[3];
  for (int i = 0; i < 3; i++)
    if ((children[i] = fork()) == 0) {
      child_body(i);
      _exit(0);
    }
  pthread_mutex_lock(&s->mutex);
  while (s->total < 150) pthread_cond_wait(&s->changed, &s->mutex);
  pthread_mutex_unlock(&s->mutex);
  for (int i = 0; i < 3; i++) EXPECT_EQ(ended(children[i]), 0);
  EXPECT_EQ(s->turn, 90);
  fact("three children counted to %d", s->total);
  note("order %08x", s->order);

  pid_t producer = fork();
  if (producer == 0) {
    for (int i = 0; i < 100; i++) {
      sem_wait(&s->free);
      s->ring[i % 8] = i * i;
      sem_post(&s->used);
    }
    _exit(0);
  }
  long sum = 0;
  for (int i = 0; i < 100; i++) {
    sem_wait(&s->used);
    sum += s->ring[i % 8];
    sem_post(&s->free);
  }
  EXPECT_EQ(ended(producer), 0);
  fact("sum %ld", sum);

  /* The same by a file that both map by themselves. */
  int fd = file_of("mapped", "");
  EXPECT_EQ(ftruncate(fd, 4096), 0);
  volatile uint32_t *mine = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  pid_t other = fork();
  if (other == 0) {
    munmap((void *)mine, 4096);
    int again = open("mapped", O_RDWR);
    volatile uint32_t *theirs = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
    while (theirs[0] == 0) sched_yield();
    theirs[1] = theirs[0] + 1;
    _exit(0);
  }
  mine[0] = 76;
  EXPECT_EQ(ended(other), 0);
  EXPECT_EQ(mine[1], 77);
  return finish();
}
