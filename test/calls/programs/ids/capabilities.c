/* capget, capset, prctl on capabilities and security bits, personality. */
#include "check.h"
#include <linux/capability.h>
#include <sys/personality.h>
#include <sys/prctl.h>

int main(void) {
  struct __user_cap_header_struct *header = (void *)guarded(sizeof *header);
  struct __user_cap_data_struct *data = (void *)guarded(2 * sizeof *data);
  header->version = _LINUX_CAPABILITY_VERSION_3;
  header->pid = 0;
  EXPECT_EQ(syscall(SYS_capget, header, data), 0);
  EXPECT(untouched((unsigned char *)data, 2 * sizeof *data));
  EXPECT(untouched((unsigned char *)header, sizeof *header));
  note("capabilities %08x%08x", data[1].effective, data[0].effective);
  EXPECT_EQ(syscall(SYS_capset, header, data), 0);

  /* An unknown version is answered with the one the kernel prefers. */
  header->version = 1;
  EXPECT_ERR(syscall(SYS_capget, header, data), EINVAL);
  EXPECT_EQ(header->version, _LINUX_CAPABILITY_VERSION_3);
  EXPECT(untouched((unsigned char *)header, sizeof *header));
  header->version = 1;
  EXPECT_EQ(syscall(SYS_capget, header, 0), 0);
  EXPECT_EQ(header->version, _LINUX_CAPABILITY_VERSION_3);
  /* The first version had half as many: what lies behind them may not even be there. */
  char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_EQ(munmap(pages + 4096, 4096), 0);
  header->version = _LINUX_CAPABILITY_VERSION_1;
  EXPECT_EQ(syscall(SYS_capget, header, pages + 4096 - sizeof *data), 0);
  header->version = _LINUX_CAPABILITY_VERSION_3;
  header->pid = 0x3ffffff;
  EXPECT_ERR(syscall(SYS_capget, header, data), ESRCH);
  EXPECT_ERR(syscall(SYS_capget, 8, data), EFAULT);
  EXPECT_ERR(syscall(SYS_capset, 8, data), EFAULT);

  pid_t child = fork();
  if (child == 0) {
    header->pid = 0;
    memset(data, 0, 2 * sizeof *data);
    EXPECT_EQ(syscall(SYS_capset, header, data), 0);
    memset(data, 0xff, 2 * sizeof *data);
    EXPECT_ERR(syscall(SYS_capset, header, data), EPERM);
    EXPECT_EQ(syscall(SYS_capget, header, data), 0);
    EXPECT_EQ(data[0].effective | data[1].effective, 0);
    EXPECT_ERR(sethostname("x", 1), EPERM);
    EXPECT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    EXPECT_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    _exit(check_failures ? 1 : 0);
  }
  EXPECT_EQ(ended(child), 0);
  EXPECT(prctl(PR_CAPBSET_READ, CAP_CHOWN) >= 0);
  EXPECT_ERR(prctl(PR_CAPBSET_READ, 999), EINVAL);
  EXPECT(prctl(PR_GET_SECUREBITS) >= 0);
  EXPECT_EQ(prctl(PR_GET_KEEPCAPS), 0);
  long persona = OK(personality(0xffffffff));
  EXPECT_EQ(personality((unsigned long)persona), persona);
  note("personality %lx", persona);
  fact("capabilities end with the process that gave them up");
  return finish();
}
