/* Threads made, joined, detached; thread-local data and its destructors; once; exit from main. */
#include "check.h"

static __thread int local = 5;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int onces, destroyed, detached_done;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void run_once(void) { onces++; }

static void destroy(void *value) {
  pthread_mutex_lock(&lock);
  destroyed += (int)(long)value;
  pthread_mutex_unlock(&lock);
}

static void *body(void *argument) {
  long number = (long)argument;
  EXPECT_EQ(local, 5);
  local += (int)number;
  EXPECT_EQ(pthread_once(&once, run_once), 0);
  EXPECT_EQ(pthread_setspecific(key, (void *)(number + 1)), 0);
  EXPECT(pthread_getspecific(key) == (void *)(number + 1));
  EXPECT_EQ(local, 5 + number);
  if (number % 2) pthread_exit((void *)(number * 10));
  return (void *)(number * 10);
}

static void *detached(void *unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  detached_done++;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
  return NULL;
}

static void *last(void *main_thread) {
  void *value = NULL;
  EXPECT_EQ(pthread_join(*(pthread_t *)main_thread, &value), 0);
  fact("main ended with %ld, the last thread ends the process", (long)value);
  exit(finish());
}

int main(void) {
  EXPECT_EQ(pthread_key_create(&key, destroy), 0);
  pthread_t threads[10];
  for (long i = 0; i < 10; i++)
    EXPECT_EQ(pthread_create(&threads[i], NULL, body, (void *)i), 0);
  for (long i = 0; i < 10; i++) {
    void *value;
    EXPECT_EQ(pthread_join(threads[i], &value), 0);
    EXPECT_EQ((long)value, i * 10);
  }
  EXPECT_EQ(onces, 1);
  EXPECT_EQ(destroyed, 55);
  EXPECT_EQ(local, 5);
  fact("destructors ran for %d", destroyed);

  pthread_attr_t attributes;
  EXPECT_EQ(pthread_attr_init(&attributes), 0);
  EXPECT_EQ(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED), 0);
  EXPECT_EQ(pthread_attr_setstacksize(&attributes, 65536), 0);
  pthread_t other;
  EXPECT_EQ(pthread_create(&other, &attributes, detached, NULL), 0);
  EXPECT_EQ(pthread_create(&other, NULL, detached, NULL), 0);
  EXPECT_EQ(pthread_detach(other), 0);
  pthread_mutex_lock(&lock);
  while (detached_done < 2) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);

  EXPECT_EQ(pthread_getattr_np(pthread_self(), &attributes), 0);
  void *stack;
  size_t size;
  EXPECT_EQ(pthread_attr_getstack(&attributes, &stack, &size), 0);
  EXPECT((char *)&size > (char *)stack && (char *)&size < (char *)stack + size);
  EXPECT_EQ(pthread_setname_np(pthread_self(), "first"), 0);
  char name[16];
  EXPECT_EQ(pthread_getname_np(pthread_self(), name, sizeof name), 0);
  fact("name %s", name);
  EXPECT(pthread_join(pthread_self(), NULL) == EDEADLK);

  static pthread_t self;
  self = pthread_self();
  EXPECT_EQ(pthread_create(&other, NULL, last, &self), 0);
  pthread_exit((void *)42);
}
