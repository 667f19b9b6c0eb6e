/* Robust mutexes in every way an owner ends: return, exit of its process, a fatal signal, exec;
 * several held at once; a waiter asleep when it happens. */
#include "check.h"

static struct shared {
  pthread_mutex_t mutex[4];
  int ready;
} *shared;

static void make(pthread_mutex_t *mutex) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  EXPECT_EQ(pthread_mutex_init(mutex, &attributes), 0);
}

static void take_over(pthread_mutex_t *mutex) {
  EXPECT_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
  EXPECT_EQ(pthread_mutex_consistent(mutex), 0);
  EXPECT_EQ(pthread_mutex_unlock(mutex), 0);
}

static void *hold_all(void *unused) {
  for (int i = 0; i < 4; i++) pthread_mutex_lock(&shared->mutex[i]);
  return unused;
}

static void *hold_and_wait(void *unused) {
  pthread_mutex_lock(&shared->mutex[0]);
  __atomic_store_n(&shared->ready, 1, __ATOMIC_RELEASE);
  usleep(20000);
  return unused;
}

static void *wait_for_owner(void *unused) {
  take_over(&shared->mutex[0]);
  return unused;
}

int main(int argc, char **argv) {
  if (argc > 1) return 7;
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 4; i++) make(&shared->mutex[i]);
  pthread_t owner, waiter;
  pthread_create(&owner, NULL, hold_all, NULL);
  pthread_join(owner, NULL);
  for (int i = 0; i < 4; i++) take_over(&shared->mutex[i]);
  fact("four held by a thread");

  pthread_create(&owner, NULL, hold_and_wait, NULL);
  while (!__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE)) usleep(100);
  pthread_create(&waiter, NULL, wait_for_owner, NULL);
  pthread_join(owner, NULL);
  pthread_join(waiter, NULL);
  fact("a waiter was woken");

  for (int kind = 0; kind < 4; kind++) {
    pid_t child = fork();
    if (child == 0) {
      hold_all(NULL);
      if (kind == 0) _exit(1);
      if (kind == 1) *(volatile int *)8 = 1;
      if (kind == 2) raise(SIGTERM);
      if (kind == 3) execl(argv[0], argv[0], "again", NULL);
    }
    int how = ended(child);
    for (int i = 0; i < 4; i++) take_over(&shared->mutex[i]);
    fact("end %d of a process: %d", kind, how);
  }

  shared->ready = 0;
  pid_t child = fork();
  if (child == 0) {
    hold_and_wait(NULL);
    _exit(0);
  }
  while (!__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE)) usleep(100);
  take_over(&shared->mutex[0]);
  EXPECT_EQ(ended(child), 0);
  fact("woken by the end of a process");
  return finish();
}
