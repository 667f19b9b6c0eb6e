/* probe.c: hs-probe, which tries syscall user dispatch on this kernel, in this process's seccomp
 * filters and all: arms it, makes a call that must come back as SIGSYS, and disarms it.
 * Ends with 0 when it works, with the kernel's errno when arming is refused, and with 255 when a
 * call was not dispatched. The rule: a program of its own, with the C library; it shares nothing
 * with the core, and `hs-replicate check` runs it. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/prctl.h and asm-generic/siginfo.h, which older headers lack. */
enum { SET_DISPATCH = 59, DISPATCH_OFF = 0, DISPATCH_ON = 1, ALLOW = 0, BLOCK = 1 };
enum { BY_DISPATCH = 2, NOT_DISPATCHED = 255 };

/* The kernel reads it at every call: the handler must allow its own return. */
static volatile char selector = ALLOW;
static volatile sig_atomic_t seen;

static void on_dispatch(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  selector = ALLOW;
  seen = info->si_code == BY_DISPATCH && info->si_syscall == SYS_getpid;
}

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_dispatch;
  action.sa_flags = SA_SIGINFO;
  if (sigaction(SIGSYS, &action, NULL)) return errno;
  if (prctl(SET_DISPATCH, DISPATCH_ON, 0, 0, &selector)) return errno;
  selector = BLOCK;
  syscall(SYS_getpid);
  selector = ALLOW;
  if (prctl(SET_DISPATCH, DISPATCH_OFF, 0, 0, 0)) return errno;
  return seen ? 0 : NOT_DISPATCHED;
}
