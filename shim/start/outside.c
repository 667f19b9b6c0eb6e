/* outside.c: the namespaces of a session, and the two processes that stay outside of its program:
 * the supervisor, who lives where the engine does, and init, under whom the program's namespace is.
 *
 * The rule: neither of them is ever anybody but root, whoever the program becomes, and they end
 * with their engine. */
#include "../core/calls.gen.h"
#include "../core/signals.h"
#include "lost.h"
#include "start.h"

#define LOOK_NS 200000000ul

static u64 forwarded_signals(void) {
  return HS_BIT(1) | HS_BIT(2) | HS_BIT(3) | HS_BIT(10) | HS_BIT(12) | HS_BIT(15) | HS_BIT(17) |
         HS_BIT(18) | HS_BIT(20) | HS_BIT(28);
}

/* Waits for `child`, passing on the signals somebody sends us. Ends as the child ended. Init looks
 * now and then whether a process of the program is gone that nobody waits for. */
static void supervise(i64 child, int init) {
  u64 set = forwarded_signals(), bound[2] = {0, LOOK_NS};
  int status = 0;
  for (;;) {
    u32 info[32];
    i64 s = SYS(HS_NR_rt_sigtimedwait, &set, info, init ? bound : NULL, 8);
    if (s > 0 && s != HS_SIGCHLD && (int)info[2] <= 0) SYS(HS_NR_kill, child, s);
    for (;;) {
      int ended;
      i64 pid = SYS(HS_NR_wait4, -1, &ended, 1 /* WNOHANG */, 0);
      if (pid == child) status = ended;
      if (pid == -HS_ECHILD) {
        if (init && (status & 0x7f) != HS_SIGKILL) hs_lost_look(1);
        int code = (status & 0x7f) ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
        SYS(HS_NR_exit_group, code);
      }
      if (pid <= 0) break;
    }
    if (init) hs_lost_look(0);
  }
}

static void write_file(const char *path, const char *text) {
  i64 fd = SYS(HS_NR_open, path, HS_O_WRONLY, 0);
  SYS(HS_NR_write, fd, text, hs_strlen(text));
  SYS(HS_NR_close, fd);
}

void hs_make_namespaces(void) {
  /* without its engine the application can neither log nor take over: it ends with it */
  SYS(HS_NR_prctl, 1 /* PR_SET_PDEATHSIG */, HS_SIGKILL);
  u64 set = forwarded_signals();
  SYS(HS_NR_rt_sigprocmask, 0, &set, 0, 8);
  if (SYS(HS_NR_unshare, 0x20000000 | 0x00020000 | 0x04000000 | 0x08000000 /* PID .. IPC */))
    hs_refuse("namespaces cannot be made: hs-start must run as root (CAP_SYS_ADMIN)");
  i64 child = SYS(HS_NR_fork);
  if (child < 0) hs_refuse("the supervisor cannot fork");
  if (child) supervise(child, 0);
  SYS(HS_NR_prctl, 1 /* PR_SET_PDEATHSIG */, HS_SIGKILL);
  SYS(HS_NR_mount, "none", "/", 0, 0x44000 /* MS_REC | MS_PRIVATE */, 0);
  if (SYS(HS_NR_mount, "proc", "/proc", "proc", 14 /* nosuid nodev noexec */, 0))
    hs_refuse("/proc cannot be mounted for the program's PID namespace");
  /* shared memory by name is the application's own, as that by key is; gone with it */
  SYS(HS_NR_mount, "tmpfs", "/dev/shm", "tmpfs", 6 /* nosuid nodev */, "mode=1777");
  /* so are pseudo terminals, where a copy must have the same ones under the same numbers */
  if (CTL->flags & HS_FLAG_TAKEOVER)
    SYS(HS_NR_mount, "devpts", "/dev/pts", "devpts", 10 /* nosuid noexec */,
        "newinstance,mode=620,ptmxmode=666,gid=5");
  SYS(HS_NR_sethostname, CTL->hostname, hs_strlen(CTL->hostname));
  write_file("/proc/self/oom_score_adj", "0");
  child = SYS(HS_NR_fork);
  if (child < 0) hs_refuse("init cannot fork");
  if (child) {
    hs_lost_begin();
    supervise(child, 1);
  }
  /* what it sends to its process group is for itself, and must not come back through us */
  if (CTL->flags & HS_FLAG_SESSION) SYS(HS_NR_setsid);
  set = 0;
  SYS(HS_NR_rt_sigprocmask, 2, &set, 0, 8);
}
