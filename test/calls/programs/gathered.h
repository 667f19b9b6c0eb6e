/* gathered.h: two processes of their own that come to share memory while both of them run. */
#ifndef GATHERED_H
#define GATHERED_H
#include "check.h"
#include <sys/ipc.h>
#include <sys/shm.h>

enum { TURNS = 40 };
struct shared {
  volatile unsigned turn, total, order;
};

static volatile unsigned sink;
MAYBE static void compute(unsigned rounds) {
  for (unsigned i = 0; i < rounds; i++) sink = sink * 1664525u + 1013904223u + i;
}

/* Strict turns, by looking at memory alone. */
static void take_turns(struct shared *s, unsigned number) {
  for (int i = 0; i < TURNS; i++) {
    while (s->turn % 2 != number)
      if (i & 1) sched_yield();
    s->order = s->order * 31 + number;
    s->total++;
    s->turn++;
  }
}

MAYBE static void pair(const char *name, struct shared *(*attach)(void *), void *what) {
  int status;
  pid_t pids[2];
  for (unsigned i = 0; i < 2; i++) {
    pids[i] = (pid_t)OK(fork());
    if (pids[i]) continue;
    compute(3000000 * (i + 1));
    take_turns(attach(what), i);
    _exit(check_failures != 0);
  }
  for (unsigned i = 0; i < 2; i++) {
    EXPECT_EQ(OK(waitpid(pids[i], &status, 0)), pids[i]);
    EXPECT_EQ(status, 0);
  }
  struct shared *s = attach(what); /* not before: a child would inherit it */
  fact("%s: %u turns, in order %u", name, s->total, s->order);
}

MAYBE static struct shared *by_descriptor(void *fd) {
  void *at = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, *(int *)fd, 0);
  EXPECT(at != MAP_FAILED);
  return at;
}
MAYBE static struct shared *by_name(void *name) {
  int fd = (int)OK(shm_open(name, O_RDWR, 0));
  struct shared *s = by_descriptor(&fd);
  close(fd);
  return s;
}
MAYBE static struct shared *by_segment(void *id) {
  void *at = shmat(*(int *)id, NULL, 0);
  EXPECT(at != (void *)-1);
  return at;
}
#endif
