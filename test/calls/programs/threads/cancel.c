/* Cancellation: in a blocking call, in sleep, deferred and asynchronous, with clean-up handlers. */
#include "check.h"

static int ends[2], cleaned;
static volatile int started;

static void clean(void *by) { cleaned += (int)(long)by; }

static void *reader(void *unused) {
  (void)unused;
  char byte;
  pthread_cleanup_push(clean, (void *)1);
  __atomic_store_n(&started, 1, __ATOMIC_SEQ_CST);
  EXPECT(read(ends[0], &byte, 1) == 1); /* ends here */
  pthread_cleanup_pop(0);
  return NULL;
}

static void *sleeper(void *unused) {
  (void)unused;
  pthread_cleanup_push(clean, (void *)10);
  __atomic_store_n(&started, 1, __ATOMIC_SEQ_CST);
  for (;;) sleep(100);
  pthread_cleanup_pop(0);
  return NULL;
}

static void *stubborn(void *unused) {
  (void)unused;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  pthread_cleanup_push(clean, (void *)100);
  __atomic_store_n(&started, 1, __ATOMIC_SEQ_CST);
  usleep(3000);
  cleaned += 1000;
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
  pthread_testcancel();
  pthread_cleanup_pop(0);
  return NULL;
}

static void *busy(void *unused) {
  (void)unused;
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  pthread_cleanup_push(clean, (void *)10000);
  __atomic_store_n(&started, 1, __ATOMIC_SEQ_CST);
  for (;;) getppid(); /* no cancellation point, but a call */
  pthread_cleanup_pop(0);
  return NULL;
}

int main(void) {
  OK(pipe(ends));
  void *(*bodies[])(void *) = {reader, sleeper, stubborn, busy};
  for (size_t i = 0; i < LENGTH(bodies); i++) {
    pthread_t thread;
    void *value;
    started = 0;
    EXPECT_EQ(pthread_create(&thread, NULL, bodies[i], NULL), 0);
    while (!__atomic_load_n(&started, __ATOMIC_SEQ_CST)) sched_yield();
    if (i < 2) usleep(1000);
    EXPECT_EQ(pthread_cancel(thread), 0);
    EXPECT_EQ(pthread_join(thread, &value), 0);
    EXPECT(value == PTHREAD_CANCELED);
  }
  fact("cleaned %d", cleaned);
  return finish();
}
