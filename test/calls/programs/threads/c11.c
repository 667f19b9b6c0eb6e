/* C11 threads, mutexes, conditions, thread-specific storage and atomics. */
#include "check.h"
#include <stdatomic.h>
#include <threads.h>

static mtx_t mutex;
static cnd_t changed;
static tss_t storage;
static once_flag flag = ONCE_FLAG_INIT;
static atomic_int counter;
static int turns, called;

static void call(void) { called++; }
static void drop(void *value) { atomic_fetch_add(&counter, (int)(long)value); }

static int body(void *argument) {
  int number = (int)(long)argument;
  call_once(&flag, call);
  tss_set(storage, (void *)1000);
  for (int i = 0; i < 20; i++) {
    mtx_lock(&mutex);
    while (turns % 4 != number) cnd_wait(&changed, &mutex);
    turns++;
    cnd_broadcast(&changed);
    mtx_unlock(&mutex);
    atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
  }
  thrd_yield();
  return number * 2;
}

int main(void) {
  EXPECT_EQ(mtx_init(&mutex, mtx_timed), thrd_success);
  EXPECT_EQ(cnd_init(&changed), thrd_success);
  EXPECT_EQ(tss_create(&storage, drop), thrd_success);
  thrd_t threads[4];
  for (long i = 0; i < 4; i++)
    EXPECT_EQ(thrd_create(&threads[i], body, (void *)i), thrd_success);
  for (int i = 0; i < 4; i++) {
    int result = -1;
    EXPECT_EQ(thrd_join(threads[i], &result), thrd_success);
    EXPECT_EQ(result, i * 2);
  }
  EXPECT_EQ(turns, 80);
  EXPECT_EQ(called, 1);
  fact("counter %d", atomic_load(&counter));
  struct timespec pause = {.tv_nsec = 1000000}, until;
  EXPECT_EQ(thrd_sleep(&pause, NULL), 0);
  EXPECT_EQ(timespec_get(&until, TIME_UTC), TIME_UTC);
  EXPECT_EQ(mtx_lock(&mutex), thrd_success);
  EXPECT_EQ(cnd_timedwait(&changed, &mutex, &until), thrd_timedout);
  EXPECT_EQ(mtx_unlock(&mutex), thrd_success);
  note("it is %ld", (long)until.tv_sec);
  return finish();
}
