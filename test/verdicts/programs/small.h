/* small.h: what the small programs of the truth table share. Each does one thing that decides its
 * verdict, writes what came in to stdout, so that a replay which learns something else diverges,
 * and ends with 0 only when the thing worked.
 * The rule: one idea per program; what it needs and does not get is status 1. */
#ifndef SMALL_H
#define SMALL_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Ends with 1 when a call failed. */
static inline long need(long result, const char *what) {
  if (result >= 0) return result;
  dprintf(2, "%s: %s\n", what, strerror(errno));
  exit(1);
}
#define NEED(call) need((long)(call), #call)

static inline void tell(const char *what, unsigned long value) {
  dprintf(1, "%s %lu\n", what, value);
}

#endif
