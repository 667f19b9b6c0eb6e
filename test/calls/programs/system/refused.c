/* Every call that has no place in a replicated program, each with arguments that can do no harm
 * to the host even where it is allowed. Each prints its name and what came back; recorded, that
 * must be the errno of its row. */
#include "check.h"

#define BAD 8 /* no address, no descriptor, no object has this value here */
#define NONE 0x3ffffff /* no process */
#define ANY 0xffff /* flags that nobody knows */

static const char absent[] = "/absent/hotswap";

static void host(void) {
  CALL("syslog", 103, 99, 0, 0);
  CALL("pivot_root", 155, absent, absent);
  CALL("acct", 163, absent);
  CALL("settimeofday", 164, BAD, 0);
  CALL("mount", 165, absent, absent, "absent", 0, 0);
  CALL("umount2", 166, absent, 0);
  CALL("swapon", 167, absent, 0);
  CALL("swapoff", 168, absent);
  CALL("reboot", 169, 0, 0, 0, 0); /* without the magic numbers */
  CALL("sethostname", 170, BAD, 65);
  CALL("setdomainname", 171, BAD, 65);
  CALL("iopl", 172, 9);
  CALL("ioperm", 173, -1, -1, 1);
  CALL("init_module", 175, 0, 0, BAD);
  CALL("delete_module", 176, "hotswap_absent", 0);
  CALL("quotactl", 179, 0xffffff, absent, 0, 0);
  CALL("lookup_dcookie", 212, 0, 0, 0);
  CALL("clock_settime", 227, 1, BAD);
  CALL("kexec_load", 246, 0, 99, 0, 0x7fff0);
  CALL("add_key", 248, BAD, BAD, 0, 0, 0);
  CALL("request_key", 249, BAD, BAD, BAD, 0);
  CALL("keyctl", 250, 9999);
  CALL("unshare", 272, 1);
  CALL("perf_event_open", 298, BAD, 0, 0, -1, 0);
  CALL("fanotify_init", 300, -1, 0);
  CALL("fanotify_mark", 301, -1, 0, 0, 0, 0);
  CALL("open_by_handle_at", 304, -1, BAD, 0);
  CALL("setns", 308, -1, 0);
  CALL("finit_module", 313, -1, BAD, ANY);
  CALL("kexec_file_load", 320, -1, -1, 0, 0, ANY);
  CALL("bpf", 321, 9999, 0, 0);
  CALL("open_tree", 428, -1, BAD, 0x7777777);
  CALL("move_mount", 429, -1, BAD, -1, BAD, ANY);
  CALL("fsopen", 430, BAD, 0);
  CALL("fsconfig", 431, -1, 99, 0, 0, 0);
  CALL("fsmount", 432, -1, 99, 0);
  CALL("fspick", 433, -1, BAD, ANY);
  CALL("mount_setattr", 442, -1, BAD, ANY, BAD, 0);
  CALL("quotactl_fd", 443, -1, 0xffffff, 0, 0);
  CALL("statmount", 457, BAD, BAD, 0, ANY);
  CALL("listmount", 458, BAD, BAD, 0, ANY);
  CALL("lsm_get_self_attr", 459, 0, 0, 0, ANY);
  CALL("lsm_set_self_attr", 460, 0, 0, 0, ANY);
  CALL("lsm_list_modules", 461, 0, 0, 1);
  CALL("open_tree_attr", 467, -1, BAD, 0x7777777, 0, 0);
}

static void memory(void) {
  CALL("modify_ldt", 154, 99, 0, 0);
  CALL("set_thread_area", 205, BAD);
  CALL("get_thread_area", 211, BAD);
  CALL("remap_file_pages", 216, 0, 0, 0, 0, 0);
  CALL("mbind", 237, 1, 1, 99, 0, 0, 0);
  CALL("set_mempolicy", 238, 99, 0, 0);
  CALL("get_mempolicy", 239, 0, 0, 0, 0, ANY);
  CALL("migrate_pages", 256, NONE, 0, 0, 0);
  CALL("vmsplice", 278, -1, 0, 0, 0);
  CALL("move_pages", 279, NONE, 0, 0, 0, 0, ANY);
  CALL("process_vm_readv", 310, NONE, 0, 0, 0, 0, 1);
  CALL("process_vm_writev", 311, NONE, 0, 0, 0, 0, 1);
  CALL("userfaultfd", 323, 0x7fffffff);
  CALL("pkey_mprotect", 329, 1, 4096, 0, 99);
  CALL("pkey_alloc", 330, 1, 0);
  CALL("pkey_free", 331, 99);
  CALL("process_madvise", 440, -1, 0, 0, 0, 1);
  CALL("memfd_secret", 447, ANY);
  CALL("process_mrelease", 448, -1, 1);
  CALL("set_mempolicy_home_node", 450, 1, 4096, 99, 1);
  CALL("cachestat", 451, -1, BAD, BAD, 0);
  CALL("map_shadow_stack", 453, 0, 0, ANY);
  CALL("mseal", 462, 1, 4096, 0);
}

int main(void) {
  host();
  memory();
  CALL("ptrace", 101, 2, NONE, 0, 0);
  CALL("ustat", 136, 0xffff, BAD);
  CALL("sysfs", 139, 99, 0, 0);
  CALL("restart_syscall", 219);
  CALL("kcmp", 312, NONE, NONE, 0, 0, 0);
  CALL("seccomp", 317, 99, 0, 0);
  CALL("rseq", 334, BAD, 32, 0x77, 0);
  CALL("clone3", 435, BAD, 3);
  CALL("pidfd_getfd", 438, -1, 0, 0);
  CALL("landlock_create_ruleset", 444, BAD, 1, ANY);
  CALL("landlock_add_rule", 445, -1, 99, BAD, 1);
  CALL("landlock_restrict_self", 446, -1, ANY);
  CALL("futex_waitv", 449, BAD, 0, ANY, 0, 0);
  CALL("futex_wake", 454, BAD, 0, 0, ANY);
  CALL("futex_wait", 455, BAD, 0, 0, ANY, 0, 0);
  CALL("futex_requeue", 456, BAD, ANY, 0, 0);
  fact("refused");
  return finish();
}
