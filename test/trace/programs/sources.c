/* sources.c: each source of nondeterminism once, or as often as its line says: what hs-trace must
 * show of it is in sources.test.ts.
 * The rule: a source that this machine refuses ends the program with a message, never silently. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int delivered;

static void count(int number) {
  (void)number;
  delivered++;
}

static void check(int holds, const char *what) {
  if (holds) return;
  perror(what);
  exit(2);
}

static void vdso(void) {
  struct timespec now;
  for (int i = 0; i < 37; i++) clock_gettime(CLOCK_MONOTONIC, &now);
}

static void files(void) {
  char bytes[16];
  int fd = open("/dev/urandom", O_RDONLY);
  check(fd >= 0 && read(fd, bytes, sizeof(bytes)) > 0, "/dev/urandom");
  close(fd);
  fd = open("/proc/uptime", O_RDONLY);
  check(fd >= 0, "/proc/uptime");
  close(fd);
  check(getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) > 0, "getrandom");
}

static void sockets(void) {
  struct sockaddr_un any = {.sun_family = AF_UNIX};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), request = 0;
  check(fd >= 0, "socket");
  check(ioctl(fd, 0x541b /* FIONREAD */, &request) == 0, "FIONREAD");
  close(fd);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  check(bind(fd, (struct sockaddr *)&any, sizeof(any.sun_family)) == 0, "bind");
  close(fd);
}

static void shared(void) {
  int *word = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(word != MAP_FAILED, "mmap");
  int fd = memfd_create("planted", 0);
  check(fd >= 0 && ftruncate(fd, 4096) == 0, "memfd");
  check(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED, "mmap memfd");
  int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  check(id >= 0, "shmget");
  check(shmat(id, NULL, 0) != (void *)-1, "shmat");
  shmctl(id, IPC_RMID, NULL);
  pid_t pid = fork();
  if (pid == 0) {
    *word = 1;
    _exit(9);
  }
  waitpid(pid, NULL, 0);
  syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

int main(void) {
  signal(SIGUSR2, count);
  for (int i = 0; i < 3; i++) raise(SIGUSR2);
  vdso();
  files();
  sockets();
  shared();
  prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
  syscall(SYS_getppid);
  int ring = (int)syscall(SYS_io_uring_setup, 4, NULL); /* EFAULT: that it was asked is seen */
  check(ring < 0, "io_uring_setup without parameters");
  return delivered == 3 ? 0 : 1;
}
