/* fault-refuse.c: runs a command on a kernel that seems to have no syscall user dispatch: a seccomp
 * filter answers EINVAL to the prctl that arms it, as an old kernel does, here and in all children.
 *   fault-refuse COMMAND ARG... */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SET_SYSCALL_USER_DISPATCH 59
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, (what))

int main(int argc, char **argv) {
  struct sock_filter code[] = {
      LOAD(arch), UNLESS(AUDIT_ARCH_X86_64, 5),
      LOAD(nr), UNLESS(SYS_prctl, 3),
      LOAD(args[0]), UNLESS(SET_SYSCALL_USER_DISPATCH, 1),
      ANSWER(SECCOMP_RET_ERRNO | EINVAL),
      ANSWER(SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (argc < 2) return 2;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
    perror("fault-refuse");
    return 1;
  }
  execvp(argv[1], argv + 1);
  perror(argv[1]);
  return 1;
}
