/* Threads that end in any order, at once, and by exit of the process under their feet. */
#include "check.h"

static int left = 20;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *quick(void *argument) {
  if ((long)argument % 3 == 0) usleep(500);
  pthread_mutex_lock(&mutex);
  left--;
  note("%ld ends, %d left", (long)argument, left);
  pthread_mutex_unlock(&mutex);
  return NULL;
}

static void *forever(void *argument) {
  if ((long)argument == 0) pause();
  int ends[2];
  char byte;
  OK(pipe(ends));
  return read(ends[0], &byte, 1) == 1 ? NULL : argument;
}

static void at_exit_first(void) { fact("registered last, run first"); }
static void at_exit_second(void) { fact("registered first, run last"); }

static void *exiting(void *unused) {
  (void)unused;
  exit(finish());
}

int main(void) {
  atexit(at_exit_second);
  atexit(at_exit_first);
  pthread_t threads[20];
  for (int round = 0; round < 3; round++) {
    left = 20;
    for (long i = 0; i < 20; i++) EXPECT_EQ(pthread_create(&threads[i], NULL, quick, (void *)i), 0);
    for (int i = 19; i >= 0; i--) EXPECT_EQ(pthread_join(threads[i], NULL), 0);
    EXPECT_EQ(left, 0);
  }
  pid_t child = fork();
  if (child == 0) {
    for (long i = 0; i < 5; i++) pthread_create(&threads[i], NULL, forever, (void *)i);
    usleep(1000);
    _exit(17);
  }
  EXPECT_EQ(ended(child), 17);
  child = fork();
  if (child == 0) {
    pthread_create(&threads[0], NULL, forever, (void *)1);
    syscall(SYS_exit, 5); /* the first thread alone */
  }
  EXPECT_EQ(kill(child, 0), 0);
  usleep(2000);
  EXPECT_EQ(waitpid(child, NULL, WNOHANG), 0); /* the other thread keeps it */
  EXPECT_EQ(kill(child, SIGKILL), 0);
  EXPECT_EQ(ended(child), 1000 + SIGKILL);
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, forever, (void *)i);
  pthread_create(&threads[4], NULL, exiting, NULL);
  pause();
}
