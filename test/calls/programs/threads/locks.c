/* Mutexes of every kind, conditions, read-write locks, barriers, semaphores, spin locks. */
#include "check.h"
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER, taken = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_spinlock_t spin;
static sem_t slots;
static int box, full, sum, readers_saw, spun, serial, inside, most_inside;

static void *produce(void *unused) {
  (void)unused;
  for (int i = 1; i <= 200; i++) {
    pthread_mutex_lock(&mutex);
    while (full) pthread_cond_wait(&taken, &mutex);
    box = i, full = 1;
    pthread_cond_signal(&ready);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

static void *consume(void *unused) {
  (void)unused;
  for (int i = 1; i <= 200; i++) {
    pthread_mutex_lock(&mutex);
    while (!full) pthread_cond_wait(&ready, &mutex);
    sum += box, full = 0;
    pthread_cond_broadcast(&taken);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

static void *mixed(void *argument) {
  if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
    __atomic_fetch_add(&serial, 1, __ATOMIC_SEQ_CST);
  for (int i = 0; i < 100; i++) {
    if ((i + (long)argument) % 5 == 0) {
      pthread_rwlock_wrlock(&rw);
      readers_saw++;
      pthread_rwlock_unlock(&rw);
    } else {
      pthread_rwlock_rdlock(&rw);
      EXPECT(readers_saw >= 0);
      pthread_rwlock_unlock(&rw);
    }
    pthread_spin_lock(&spin);
    spun++;
    pthread_spin_unlock(&spin);
    EXPECT_EQ(sem_wait(&slots), 0);
    int now = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    EXPECT(now <= 2);
    if (now > most_inside) most_inside = now;
    if (i % 10 == 0) sched_yield();
    __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    EXPECT_EQ(sem_post(&slots), 0);
  }
  pthread_barrier_wait(&barrier);
  return NULL;
}

static void kinds(void) {
  pthread_mutexattr_t attributes;
  pthread_mutex_t one;
  EXPECT_EQ(pthread_mutexattr_init(&attributes), 0);
  EXPECT_EQ(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE), 0);
  EXPECT_EQ(pthread_mutex_init(&one, &attributes), 0);
  for (int i = 0; i < 3; i++) EXPECT_EQ(pthread_mutex_lock(&one), 0);
  for (int i = 0; i < 3; i++) EXPECT_EQ(pthread_mutex_unlock(&one), 0);
  EXPECT_EQ(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK), 0);
  EXPECT_EQ(pthread_mutex_init(&one, &attributes), 0);
  EXPECT_EQ(pthread_mutex_unlock(&one), EPERM);
  EXPECT_EQ(pthread_mutex_lock(&one), 0);
  EXPECT_EQ(pthread_mutex_lock(&one), EDEADLK);
  EXPECT_EQ(pthread_mutex_trylock(&one), EBUSY);
  EXPECT_EQ(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT), 0);
  EXPECT_EQ(pthread_mutex_init(&one, &attributes), 0);
  EXPECT_EQ(pthread_mutex_lock(&one), 0);
  EXPECT_EQ(pthread_mutex_unlock(&one), 0);

  long long at = now_ns(CLOCK_REALTIME) + 3000000;
  struct timespec until = {at / 1000000000, at % 1000000000};
  pthread_mutex_lock(&mutex);
  EXPECT_EQ(pthread_cond_timedwait(&ready, &mutex, &until), ETIMEDOUT);
  EXPECT_EQ(pthread_mutex_timedlock(&mutex, &until), ETIMEDOUT);
  pthread_mutex_unlock(&mutex);
  EXPECT(now_ns(CLOCK_REALTIME) >= at);
  sem_t none;
  EXPECT_EQ(sem_init(&none, 0, 0), 0);
  EXPECT_ERR(sem_trywait(&none), EAGAIN);
  EXPECT_ERR(sem_timedwait(&none, &until), ETIMEDOUT);
}

int main(void) {
  pthread_t a, b, threads[6];
  pthread_create(&a, NULL, produce, NULL);
  pthread_create(&b, NULL, consume, NULL);
  pthread_join(a, NULL);
  pthread_join(b, NULL);
  EXPECT_EQ(sum, 20100);
  pthread_barrier_init(&barrier, NULL, 6);
  pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
  sem_init(&slots, 0, 2);
  for (long i = 0; i < 6; i++) pthread_create(&threads[i], NULL, mixed, (void *)i);
  for (int i = 0; i < 6; i++) pthread_join(threads[i], NULL);
  EXPECT_EQ(spun, 600);
  EXPECT_EQ(readers_saw, 120);
  EXPECT_EQ(serial, 1);
  fact("sum %d, written %d, spun %d", sum, readers_saw, spun);
  note("at most %d inside", most_inside);
  kinds();
  return finish();
}
