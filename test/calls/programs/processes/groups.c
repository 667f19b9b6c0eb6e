/* Processes that share no memory: they compute at once, talk over pipes, append to one file, and
 * make, stop and replace processes meanwhile. */
#include "check.h"

enum { CHILDREN = 3, ROUNDS = 40 };
struct child {
  int to[2], from[2];
  pid_t pid;
};

static unsigned work(unsigned seed, unsigned rounds) {
  for (unsigned i = 0; i < rounds; i++) seed = seed * 1103515245u + 12345u + (seed >> 7);
  return seed;
}

/* Gets numbers, computes with each, notes it in the file, and answers. */
static void serve(int in, int out, int file, unsigned name) {
  unsigned number;
  while (read(in, &number, sizeof number) == (ssize_t)sizeof number) {
    char line[64];
    unsigned result = work(number, 30000 + number * 7919 % 30000);
    int bytes = snprintf(line, sizeof line, "%u %u\n", name, result);
    EXPECT_EQ(write(file, line, (size_t)bytes), bytes);
    EXPECT_EQ(write(out, &result, sizeof result), (int)sizeof result);
  }
  _exit(check_failures != 0);
}

static void begin(struct child *child, int file, unsigned name) {
  OK(pipe2(child->to, O_CLOEXEC));
  OK(pipe2(child->from, O_CLOEXEC));
  child->pid = (pid_t)OK(fork());
  if (!child->pid) {
    close(child->to[1]);
    close(child->from[0]);
    serve(child->to[0], child->from[1], file, name);
  }
  close(child->to[0]);
  close(child->from[1]);
}

static unsigned rounds(struct child *child, int file) {
  unsigned sum = 0, own = 1;
  for (unsigned round = 0; round < ROUNDS; round++) {
    for (unsigned i = 0; i < CHILDREN; i++) {
      unsigned number = round * 100 + i;
      EXPECT_EQ(write(child[i].to[1], &number, sizeof number), (int)sizeof number);
    }
    own = work(own, 40000);
    for (unsigned i = 0; i < CHILDREN; i++) {
      unsigned result = 0;
      EXPECT_EQ(read(child[i].from[0], &result, sizeof result), (int)sizeof result);
      sum += result;
    }
    if (round % 8 == 0) EXPECT_EQ(write(file, "parent\n", 7), 7);
    if (round % 16 == 5) EXPECT_EQ(system("x=0; while [ $x -lt 50 ]; do x=$((x+1)); done"), 0);
  }
  return sum + own;
}

/* Two that write to one pipe, and never wait for one another. */
static void flood(void) {
  int ends[2], status;
  unsigned char bytes[256];
  unsigned counts[2] = {0, 0}, order = 0;
  pid_t pids[2];
  OK(pipe(ends));
  for (int i = 0; i < 2; i++) {
    pids[i] = (pid_t)OK(fork());
    if (pids[i]) continue;
    for (unsigned n = 0; n < 300; n++) {
      unsigned char byte = (unsigned char)i;
      work(n, 500);
      EXPECT_EQ(write(ends[1], &byte, 1), 1);
    }
    _exit(check_failures != 0);
  }
  close(ends[1]);
  for (ssize_t n; (n = read(ends[0], bytes, sizeof bytes)) > 0;)
    for (ssize_t i = 0; i < n; i++) {
      EXPECT(bytes[i] < 2);
      counts[bytes[i] & 1]++;
      order = order * 31 + bytes[i];
    }
  for (int i = 0; i < 2; i++) {
    EXPECT_EQ(OK(waitpid(pids[i], &status, 0)), pids[i]);
    EXPECT_EQ(status, 0);
  }
  close(ends[0]);
  fact("flood %u and %u", counts[0], counts[1]);
  note("in the order %u", order);
}

static unsigned lines_of(int file) {
  char text[4096];
  unsigned lines = 0;
  lseek(file, 0, SEEK_SET);
  for (ssize_t n; (n = read(file, text, sizeof text)) > 0;)
    for (ssize_t i = 0; i < n; i++) lines += text[i] == '\n';
  return lines;
}

int main(void) {
  struct child child[CHILDREN];
  int file = (int)OK(open("lines", O_RDWR | O_CREAT | O_APPEND, 0600)), status;
  for (unsigned i = 0; i < CHILDREN; i++) {
    begin(&child[i], file, i);
    if (i) continue;
    flood(); /* the first one waits meanwhile */
  }
  fact("sum %u", rounds(child, file));
  OK(kill(child[0].pid, SIGKILL));
  EXPECT_EQ(OK(waitpid(child[0].pid, &status, 0)), child[0].pid);
  EXPECT(WIFSIGNALED(status));
  for (unsigned i = 0; i < CHILDREN; i++) { /* those made later hold the earlier ones' pipes */
    close(child[i].to[1]);
    close(child[i].from[0]);
  }
  for (unsigned i = 1; i < CHILDREN; i++) OK(kill(child[i].pid, SIGTERM));
  for (unsigned i = 1; i < CHILDREN; i++) OK(waitpid(child[i].pid, &status, 0));
  fact("lines %u", lines_of(file));
  return check_failures != 0;
}
