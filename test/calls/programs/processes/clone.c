/* clone and clone3 by hand: a process, a process sharing memory, tids stored and cleared. */
#include "check.h"
#include <linux/futex.h>
#include <linux/sched.h>

static volatile int value, done;
static pid_t stored, cleared;

static int body(void *argument) {
  value = *(int *)argument;
  RAW(SYS_exit, 5);
  return 0;
}

static int thread_body(void *unused) {
  (void)unused;
  __atomic_store_n(&done, (int)RAW(SYS_gettid), __ATOMIC_SEQ_CST);
  RAW(SYS_exit, 0);
  return 0;
}

int main(void) {
  size_t size = 65536;
  char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int given = 33;
  pid_t child = (pid_t)OK(clone(body, stack + size, SIGCHLD, &given));
  EXPECT_EQ(ended(child), 5);
  EXPECT_EQ(value, 0); /* its own copy */
  child = (pid_t)OK(clone(body, stack + size, CLONE_VM | CLONE_VFORK | SIGCHLD, &given));
  EXPECT_EQ(ended(child), 5);
  EXPECT_EQ(value, 33); /* the same memory */
  child = (pid_t)OK(clone(body, stack + size, CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD,
                          &given, &stored, NULL, &cleared));
  EXPECT_EQ(stored, child);
  EXPECT_EQ(ended(child), 5);
  child = fork();
  if (child == 0) {
    pid_t sibling = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    _exit(sibling == 0 ? 3 : sibling > 0 ? 4 : 100);
  }
  int sum = 0, status;
  while (wait(&status) > 0) sum += WEXITSTATUS(status);
  EXPECT_EQ(sum, 7); /* one more child than it has made itself */
  fact("processes by clone");

  int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
              CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  cleared = 99;
  pid_t tid = (pid_t)OK(clone(thread_body, stack + size, flags, NULL, &stored, NULL, &cleared));
  for (;;) { /* the kernel clears the word and wakes it, as pthread_join needs */
    pid_t now = __atomic_load_n(&cleared, __ATOMIC_SEQ_CST);
    if (now == 0) break;
    syscall(SYS_futex, &cleared, FUTEX_WAIT, now, NULL, NULL, 0);
  }
  EXPECT_EQ(done, tid);
  EXPECT_EQ(stored, tid);
  fact("a thread by clone");

  struct clone_args *args = (void *)guarded(sizeof *args);
  memset(args, 0, sizeof *args);
  args->flags = CLONE_PIDFD;
  int pidfd = -1;
  args->pidfd = (uint64_t)&pidfd;
  args->exit_signal = SIGCHLD;
  long third = MAYBE_REFUSED(syscall(SYS_clone3, args, sizeof *args));
  if (third == 0) _exit(44);
  if (third > 0) {
    EXPECT(pidfd >= 0);
    EXPECT_EQ(ended((pid_t)third), 44);
    EXPECT_EQ(close(pidfd), 0);
  } else {
    EXPECT_EQ(errno, ENOSYS);
  }
  EXPECT(syscall(SYS_clone3, args, 3) == -1 && (errno == EINVAL || errno == ENOSYS));
  EXPECT_ERR(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0), EINVAL);
  EXPECT_ERR(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0), EINVAL);
  return finish();
}
