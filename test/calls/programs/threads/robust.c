/* Robust mutexes: a thread or a process that dies with the lock is told to the next owner. */
#include "check.h"

static void robust(void) {
  pthread_mutexattr_t attributes;
  int prot = PROT_READ | PROT_WRITE;
  pthread_mutex_t *mutex = mmap(NULL, 4096, prot, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_init(&attributes);
  EXPECT_EQ(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), 0);
  EXPECT_EQ(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
  EXPECT_EQ(pthread_mutex_init(mutex, &attributes), 0);
  pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(mutex);
    _exit(0);
  }
  EXPECT_EQ(ended(child), 0);
  EXPECT_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
  EXPECT_EQ(pthread_mutex_consistent(mutex), 0);
  EXPECT_EQ(pthread_mutex_unlock(mutex), 0);
  fact("a dead owner is told");
}

static void *dies_with_lock(void *mutex) {
  pthread_mutex_lock(mutex);
  return NULL;
}

int main(void) {
  robust();

  pthread_mutexattr_t attributes;
  pthread_mutex_t mutex;
  pthread_t thread;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mutex, &attributes);
  pthread_create(&thread, NULL, dies_with_lock, &mutex);
  pthread_join(thread, NULL);
  EXPECT_EQ(pthread_mutex_lock(&mutex), EOWNERDEAD);
  EXPECT_EQ(pthread_mutex_consistent(&mutex), 0);
  EXPECT_EQ(pthread_mutex_unlock(&mutex), 0);
  return finish();
}
