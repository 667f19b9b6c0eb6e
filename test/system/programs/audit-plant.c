/* audit-plant.c: a program that gets round its shim in one of the ways that the audit has to find,
 * says `planted`, and waits. The calls it means to hide are made with the core's own instruction,
 * the one way that syscall user dispatch leaves open.
 * The rule: what is planted is planted once, in a number that the test knows. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CORE ((const unsigned char *)0x10000001000)
#define DISPATCH 59 /* PR_SET_SYSCALL_USER_DISPATCH */

static unsigned long core_instruction;

/* `syscall; ret`, in the core's text. */
static void find_instruction(void) {
  for (const unsigned char *p = CORE;; p++)
    if (p[0] == 0x0f && p[1] == 0x05 && p[2] == 0xc3) {
      core_instruction = (unsigned long)p;
      return;
    }
}

static long borrowed(long nr, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = 0;
  __asm__ volatile("call *%[at]"
                   : "=a"(result)
                   : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
                     [at] "r"(core_instruction)
                   : "rcx", "r11", "memory");
  return result;
}

static long inline_call(long nr) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "0"(nr) : "rcx", "r11", "memory");
  return result;
}

/* A kernel thread takes the request from the ring: no call is made for it. That thread sleeps
 * when it finds nothing at first, so the ring is let go when the request is in it. */
static int ring(void) {
  struct io_uring_params p;
  memset(&p, 0, sizeof p);
  p.flags = IORING_SETUP_SQPOLL | IORING_SETUP_R_DISABLED;
  p.sq_thread_idle = 10000;
  long fd = borrowed(SYS_io_uring_setup, 4, (long)&p, 0, 0);
  if (fd < 0) return 1;
  unsigned long bytes = p.sq_off.array + p.sq_entries * sizeof(unsigned);
  if (p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe) > bytes)
    bytes = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
  /* mmap takes six arguments, and the fifth is a register of its own: made without dispatch */
  borrowed(SYS_prctl, DISPATCH, 0, 0, 0);
  char *queue = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, IORING_OFF_SQ_RING);
  struct io_uring_sqe *entries =
      mmap(NULL, p.sq_entries * sizeof *entries, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd,
           IORING_OFF_SQES);
  if (queue == MAP_FAILED || entries == MAP_FAILED) return 1;
  memset(entries, 0, sizeof *entries); /* IORING_OP_NOP */
  *(unsigned *)(queue + p.sq_off.array) = 0;
  __atomic_store_n((unsigned *)(queue + p.sq_off.tail), 1, __ATOMIC_RELEASE);
  if (borrowed(SYS_io_uring_register, fd, IORING_REGISTER_ENABLE_RINGS, 0, 0)) return 1;
  volatile unsigned *done = (volatile unsigned *)(queue + p.cq_off.tail);
  while (*done == 0) __asm__ volatile("pause");
  return 0;
}

/* A static program that the shim has not loaded. */
static int child(const char *path) {
  char *argv[] = {(char *)path, NULL}, *envp[] = {NULL};
  pid_t pid = fork();
  if (pid == 0) {
    borrowed(SYS_execve, (long)path, (long)argv, (long)envp, 0);
    _exit(1);
  }
  int status = 1;
  return waitpid(pid, &status, 0) != pid || status != 0;
}

/* Of 100 bytes that come, 60 are read unseen; of 50 that are sent, 30 are sent unseen. */
static int serve(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(7000)};
  char bytes[100];
  int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4)) return 1;
  puts("listening");
  int fd = accept(listener, NULL, NULL);
  if (fd < 0 || recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_WAITALL) != sizeof bytes) return 1;
  if (borrowed(SYS_read, fd, (long)bytes, 60, 0) != 60) return 1;
  if (read(fd, bytes, 40) != 40 || write(fd, bytes, 20) != 20) return 1;
  return borrowed(SYS_write, fd, (long)bytes, 30, 0) != 30;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  int failed = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  /* used once, these calls are the shim's, also when dispatch is off */
  puts("begins");
  usleep(1);
  find_instruction();
  if (!strcmp(what, "inline")) {
    failed = inline_call(SYS_getppid) < 0;
  } else if (!strcmp(what, "borrow")) {
    for (int i = 0; i < 3; i++) borrowed(SYS_getppid, 11, 12, 13, 14);
  } else if (!strcmp(what, "dispatch")) {
    borrowed(SYS_prctl, DISPATCH, 0, 0, 0);
    for (int i = 0; i < 5; i++) inline_call(SYS_getppid);
  } else if (!strcmp(what, "refused")) {
    borrowed(SYS_prctl, DISPATCH, 0, 0, 0);
    for (int i = 0; i < 5; i++) failed |= inline_call(SYS_getppid) != -EPERM;
  } else if (!strcmp(what, "child")) {
    failed = child(argv[2]);
  } else if (!strcmp(what, "ring")) {
    failed = ring();
  } else if (!strcmp(what, "serve")) {
    failed = serve();
  }
  puts(failed ? "failed" : "planted");
  for (;;) sleep(1000);
}
