/* Waits that end by time or in time; and what is left when they do: conditions,
 * semaphores and mutexes with limits, read-write locks, barriers round after round, detached
 * threads, and a fork while others allocate. */
#include "check.h"
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, held = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER, all_gone = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t none;
static int rounds, late, in_time, left = 8, value;

static struct timespec soon(long us) {
  long long at = now_ns(CLOCK_REALTIME) + us * 1000;
  return (struct timespec){at / 1000000000, at % 1000000000};
}

static void *run(void *argument) {
  for (int i = 0; i < 20; i++) {
    struct timespec until = soon(300 + 100 * (long)argument);
    pthread_mutex_lock(&mutex);
    int r = pthread_cond_timedwait(&never, &mutex, &until);
    if (r == ETIMEDOUT)
      late++;
    else
      in_time++;
    if (i % 3 == (int)(long)argument % 3) pthread_cond_signal(&never);
    pthread_mutex_unlock(&mutex);
    until = soon(200);
    if (!pthread_mutex_timedlock(&held, &until)) pthread_mutex_unlock(&held);
    if (i % 4 == 0) {
      pthread_rwlock_wrlock(&rw);
      value++;
      pthread_rwlock_unlock(&rw);
    } else {
      pthread_rwlock_rdlock(&rw);
      EXPECT(value >= 0);
      pthread_rwlock_unlock(&rw);
    }
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) rounds++;
    pthread_barrier_wait(&barrier);
  }
  return NULL;
}

static void *detached(void *unused) {
  (void)unused;
  free(malloc(100));
  pthread_mutex_lock(&mutex);
  if (--left == 0) pthread_cond_signal(&all_gone);
  pthread_mutex_unlock(&mutex);
  return NULL;
}

static void *allocate(void *unused) {
  (void)unused;
  for (int i = 0; i < 300; i++) free(malloc((size_t)i * 7 + 1));
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  pthread_barrier_init(&barrier, NULL, 4);
  sem_init(&none, 0, 0);
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, run, (void *)i);
  pthread_mutex_lock(&held);
  usleep(3000);
  pthread_mutex_unlock(&held);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < 8; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, detached, NULL);
    pthread_detach(thread);
  }
  pthread_mutex_lock(&mutex);
  while (left) pthread_cond_wait(&all_gone, &mutex);
  pthread_mutex_unlock(&mutex);

  struct timespec until = soon(1000);
  EXPECT_ERR(sem_timedwait(&none, &until), ETIMEDOUT);

  pthread_create(&threads[0], NULL, allocate, NULL);
  for (int i = 0; i < 3; i++) {
    pid_t child = fork();
    if (!child) {
      free(malloc(1000));
      _exit(0);
    }
    EXPECT_EQ(waitpid(child, NULL, 0), child);
  }
  pthread_join(threads[0], NULL);
  fact("rounds %d, waits %d, value %d", rounds, late + in_time, value);
  note("late %d", late);
  return finish();
}
