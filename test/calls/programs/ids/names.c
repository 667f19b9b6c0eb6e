/* uname, sysinfo, host names: what is reported, and names too long to set. */
#include "check.h"
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

int main(void) {
  struct utsname *names = (void *)guarded(sizeof *names);
  EXPECT_EQ(uname(names), 0);
  EXPECT(untouched((unsigned char *)names, sizeof *names));
  fact("system %s machine %s", names->sysname, names->machine);
  note("node %s release %s", names->nodename, names->release);
  char host[256];
  EXPECT_EQ(gethostname(host, sizeof host), 0);
  EXPECT_EQ(strcmp(host, names->nodename), 0);
  EXPECT_ERR(syscall(SYS_uname, 8), EFAULT);
  EXPECT_REFUSABLE(syscall(SYS_sethostname, host, 65), EINVAL, EPERM);
  EXPECT_REFUSABLE(syscall(SYS_setdomainname, host, 65), EINVAL, EPERM);
  EXPECT_REFUSABLE(syscall(SYS_sethostname, host, -1), EINVAL, EPERM);

  struct sysinfo *info = (void *)guarded(sizeof *info);
  EXPECT_EQ(sysinfo(info), 0);
  EXPECT(untouched((unsigned char *)info, sizeof *info));
  EXPECT(info->totalram > 0 && info->uptime > 0 && info->mem_unit > 0);
  note("uptime %ld free %lu processes %u", info->uptime, info->freeram, info->procs);
  EXPECT_ERR(syscall(SYS_sysinfo, 8), EFAULT);
  EXPECT(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
  EXPECT_EQ(sysconf(_SC_PAGESIZE), 4096);
  note("processors %ld", sysconf(_SC_NPROCESSORS_ONLN));

  unsigned char *name = guarded(16);
  EXPECT_EQ(prctl(PR_SET_NAME, "a name that is too long"), 0);
  EXPECT_EQ(prctl(PR_GET_NAME, name), 0);
  EXPECT(untouched(name, 16));
  EXPECT_MEM(name, "a name that is ", 16);
  EXPECT_EQ(prctl(PR_SET_NAME, "short"), 0);
  EXPECT_EQ(prctl(PR_GET_NAME, name), 0);
  fact("name %s", (char *)name);
  EXPECT_EQ(prctl(PR_GET_DUMPABLE), 1);
  EXPECT_EQ(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
  int death = 0;
  EXPECT_EQ(prctl(PR_GET_PDEATHSIG, &death), 0);
  EXPECT_EQ(death, SIGUSR1);
  EXPECT_EQ(prctl(PR_SET_PDEATHSIG, 0), 0);
  EXPECT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
  EXPECT(prctl(PR_GET_TIMERSLACK) > 0);
  EXPECT_ERR(prctl(999999, 1, 2, 3, 4), EINVAL);
  return finish();
}
