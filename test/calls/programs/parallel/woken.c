/* Signals come to threads that wait for a lock, a semaphore or a condition. Where a handler ran is
 * on the stack: it lies in a stub of the shim, and stubs are made in the order of first calls. */
#include "check.h"
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static sem_t go;
static volatile int signals, done;

static void on_signal(int s) {
  (void)s;
  signals++;
  sem_post(&go);
}

static void *work(void *unused) {
  (void)unused;
  for (int i = 0; i < 200; i++) {
    pthread_mutex_lock(&mutex);
    done++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
    if (i % 20 == 0) usleep(500);
  }
  return NULL;
}

int main(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGALRM, &action, NULL);
  sem_init(&go, 0, 0);
  struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, work, NULL);
  setitimer(ITIMER_REAL, &often, NULL);
  for (int i = 0; i < 5; i++)
    while (sem_wait(&go)) EXPECT_EQ(errno, EINTR);
  pthread_mutex_lock(&mutex);
  while (done < 400) pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
  setitimer(ITIMER_REAL, &never, NULL);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  EXPECT(signals >= 5);
  fact("done %d", done);
  note("signals %d", signals);
  return finish();
}
