/* filter.c: puts a seccomp filter on itself, by prctl.
 * Expected: not replicable */
#include "small.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

int main(void) {
  struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {1, &allow};
  NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
  tell("filtered", 1);
  return 0;
}
