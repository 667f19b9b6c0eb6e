/* preload.c: libhotswap.so, the LD_PRELOAD way in.
 *
 * In a process that was started plainly the constructor starts the same program again through
 * hs-start, which is armed before its first instruction; nothing of the plain start counts. In a
 * process that hs-start made (no vDSO in its auxiliary vector) it does nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static void fail(const char *what) {
  dprintf(2, "libhotswap.so: %s: %s\n", what, strerror(errno));
  _exit(4);
}

__attribute__((constructor)) static void enter(int argc, char **argv, char **envp) {
  static char path[4096];
  const char *start = getenv("HOTSWAP_START"), *session = getenv("HOTSWAP_SESSION_FD");
  if (!start || !session || !getauxval(AT_SYSINFO_EHDR)) return;
  if (getauxval(AT_SECURE)) return; /* a setuid program keeps its privileges to itself */
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  if (n <= 0) fail("cannot tell which program this is");
  path[n] = 0;
  char **list = calloc((size_t)argc + 8, sizeof *list);
  if (!list) fail("no memory");
  int k = 0;
  list[k++] = (char *)"hs-start";
  list[k++] = (char *)"--session";
  list[k++] = (char *)session;
  list[k++] = (char *)"--";
  list[k++] = path;
  for (int i = 1; i < argc; i++) list[k++] = argv[i];
  execve(start, list, envp);
  fail("hs-start cannot be run");
}
