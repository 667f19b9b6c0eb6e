/* chroot, arch_prctl and other calls that are allowed but rarely made. */
#include "check.h"
#include <asm/prctl.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

int main(void) {
  EXPECT_ERR(chroot("/absent/hotswap"), ENOENT);
  EXPECT_ERR(chroot("/proc/self/exe"), ENOTDIR);
  EXPECT_ERR(syscall(SYS_chroot, 8), EFAULT);
  if (getuid() == 0) {
    OK(mkdir("root", 0755));
    close(file_of("root/inside", "inside"));
    pid_t child = fork();
    if (child == 0) {
      EXPECT_EQ(chroot("root"), 0);
      EXPECT_EQ(chdir("/"), 0);
      EXPECT_EQ(access("/inside", R_OK), 0);
      EXPECT_ERR(access("/etc", R_OK), ENOENT);
      fact("a child has a root of its own");
      _exit(check_failures ? 1 : 0);
    }
    EXPECT_EQ(ended(child), 0);
  }

  unsigned long base = 0;
  EXPECT_EQ(syscall(SYS_arch_prctl, ARCH_GET_FS, &base), 0);
  EXPECT_EQ(base, (unsigned long)__builtin_thread_pointer());
  EXPECT_EQ(syscall(SYS_arch_prctl, ARCH_SET_FS, base), 0);
  EXPECT_ERR(syscall(SYS_arch_prctl, 0x7777, 0), EINVAL);
  unsigned long gs = 1;
  MAYBE_REFUSED(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs)); /* the recorder keeps gs to itself */
  note("fs %lx gs %lx", base, gs);
  long old = prctl(PR_GET_TSC, &gs, 0, 0, 0);
  EXPECT(old == 0);
  umask(077);
  EXPECT_EQ(umask(022), 077);
  fact("rarely made calls");
  return finish();
}
