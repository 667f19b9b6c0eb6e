/* O_APPEND: several writers to one file, by threads and by processes; every line is whole. */
#include "check.h"

#define WRITERS 4
#define LINES 25

static void lines(int fd, int writer) {
  char text[64];
  for (int i = 0; i < LINES; i++) {
    int len = snprintf(text, sizeof text, "writer %d line %02d\n", writer, i);
    EXPECT_EQ(write(fd, text, (size_t)len), len);
  }
}

static void *in_thread(void *writer) {
  int fd = (int)OK(open("log", O_WRONLY | O_APPEND | O_CREAT, 0644));
  lines(fd, (int)(long)writer);
  EXPECT_EQ(close(fd), 0);
  return NULL;
}

int main(void) {
  pthread_t threads[WRITERS];
  for (long i = 0; i < WRITERS; i++)
    EXPECT_EQ(pthread_create(&threads[i], NULL, in_thread, (void *)i), 0);
  for (int i = 0; i < WRITERS; i++) EXPECT_EQ(pthread_join(threads[i], NULL), 0);
  pid_t children[WRITERS];
  for (int i = 0; i < WRITERS; i++)
    if ((children[i] = fork()) == 0) {
      in_thread((void *)(long)(WRITERS + i));
      _exit(check_failures ? 1 : 0);
    }
  for (int i = 0; i < WRITERS; i++) EXPECT_EQ(ended(children[i]), 0);

  FILE *file = fopen("log", "r");
  int next[2 * WRITERS] = {0}, writer, line, count = 0;
  char order[2 * WRITERS * LINES + 1] = {0};
  while (fscanf(file, "writer %d line %d\n", &writer, &line) == 2) {
    EXPECT_EQ(line, next[writer]);
    next[writer]++;
    order[count++] = (char)('0' + writer);
  }
  fclose(file);
  fact("%d whole lines", count);
  note("order %s", order);

  /* Appending ignores where the descriptor stands; pwrite on such a descriptor appends too. */
  int fd = (int)OK(open("tail", O_RDWR | O_CREAT | O_APPEND, 0644));
  EXPECT_EQ(write(fd, "one", 3), 3);
  EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
  EXPECT_EQ(write(fd, "two", 3), 3);
  EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 6);
  EXPECT_EQ(pwrite(fd, "six", 3, 0), 3);
  char text[10] = {0};
  EXPECT_EQ(pread(fd, text, 9, 0), 9);
  fact("%s", text);
  EXPECT_EQ(fcntl(fd, F_SETFL, 0), 0);
  EXPECT_EQ(pwrite(fd, "X", 1, 0), 1);
  EXPECT_EQ(pread(fd, text, 9, 0), 9);
  fact("%s", text);
  return finish();
}
