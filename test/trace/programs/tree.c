/* tree.c: a tree of processes and threads whose calls are the same at each run: forks, threads,
 * an exec, a signal with a handler, calls that fail.
 * The rule: nothing here waits for a time, and nothing but the number of rounds decides. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void ignore(int number) {
  (void)number;
}

static void *work(void *rounds) {
  for (long i = 0; i < (long)rounds; i++) syscall(SYS_getppid);
  return NULL;
}

static void child(long rounds, char *own) {
  for (long i = 0; i < rounds; i++) syscall(SYS_getuid);
  close(-1);
  kill(getpid(), SIGUSR1);
  execl(own, own, "leaf", NULL);
  _exit(1);
}

int main(int argc, char **argv) {
  long rounds = 1000;
  if (argc > 1 && strcmp(argv[1], "leaf") == 0) return (int)syscall(SYS_close, -1) + 1;
  if (argc > 1) rounds = atol(argv[1]);
  signal(SIGUSR1, ignore);
  for (int i = 0; i < 3; i++) {
    pid_t pid = fork();
    if (pid == 0) child(rounds, argv[0]);
    waitpid(pid, NULL, 0);
  }
  for (int i = 0; i < 2; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, work, (void *)rounds);
    pthread_join(thread, NULL);
  }
  return 7;
}
