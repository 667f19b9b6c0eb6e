/* fork: copies of memory, shared open files, pipes between, a tree of children, many at once. */
#include "check.h"

static int value = 1;

static int tree(int depth) {
  if (depth == 0) return 1;
  int sum = 1;
  for (int i = 0; i < 2; i++) {
    pid_t child = fork();
    if (child == 0) _exit(tree(depth - 1));
    sum += ended(child);
  }
  return sum;
}

static void prepare(void) { value |= 16; }
static void in_parent(void) { value |= 32; }
static void in_child(void) { value |= 64; }

int main(void) {
  int up[2], down[2];
  OK(pipe(up));
  OK(pipe(down));
  int file = file_of("shared", "abcdefghij");
  char *heap = malloc(100000);
  memset(heap, 1, 100000);
  pid_t child = fork();
  if (child == 0) {
    char text[16];
    value = 2, heap[5] = 2;
    EXPECT_EQ(read(down[0], text, 5), 5);
    EXPECT_EQ(read(file, text + 5, 5), 5);
    EXPECT_EQ(write(up[1], text, 10), 10);
    _exit(check_failures ? 1 : 40);
  }
  EXPECT_EQ(write(down[1], "hello", 5), 5);
  char text[16];
  EXPECT_EQ(read(up[0], text, sizeof text), 10);
  EXPECT_MEM(text, "helloabcde", 10);
  EXPECT_EQ(ended(child), 40);
  EXPECT(value == 1 && heap[5] == 1);
  EXPECT_EQ(lseek(file, 0, SEEK_CUR), 5); /* the child's reading moved it */
  fact("one child");

  EXPECT_EQ(RAW(SYS_write, 1, (long)"= raw\n", 6), 6);
  child = (pid_t)RAW(SYS_fork);
  if (child == 0) RAW(SYS_exit_group, 9);
  EXPECT_EQ(ended(child), 9);
  fact("a tree of %d", tree(3));

  pthread_atfork(prepare, in_parent, in_child);
  value = 0;
  child = fork();
  if (child == 0) _exit(value);
  EXPECT_EQ(value, 48);
  EXPECT_EQ(ended(child), 80);

  /* Twenty at once, each with its own line of work; they end in any order. */
  int results[2];
  OK(pipe(results));
  for (int i = 0; i < 20; i++)
    if (fork() == 0) {
      volatile unsigned long work = 0;
      for (int j = 0; j < 10000 * (i % 5); j++) work += (unsigned long)j;
      int line[2] = {i, getpid()};
      _exit(write(results[1], line, sizeof line) == sizeof line ? i : 99);
    }
  int sum = 0, line[2], status;
  for (int i = 0; i < 20; i++) {
    EXPECT_EQ(read(results[0], line, sizeof line), sizeof line);
    note("%d is %d", line[0], line[1]);
    sum += line[0];
  }
  EXPECT_EQ(sum, 190);
  for (int i = 0; i < 20; i++) {
    pid_t which = wait(&status);
    EXPECT(which > 0);
    note("%d ended with %d", which, WEXITSTATUS(status));
    sum -= WEXITSTATUS(status);
  }
  EXPECT_EQ(sum, 0);
  EXPECT_ERR(wait(NULL), ECHILD);
  fact("twenty children");
  return finish();
}
