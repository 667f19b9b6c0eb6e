/* Opening a FIFO waits for its other end: another process, another thread, or a signal. */
#include "check.h"

static int open_writing(int use_at) {
  return use_at ? openat(AT_FDCWD, "fifo", O_WRONLY) : open("fifo", O_WRONLY);
}

static void *writer(void *argument) {
  int fd = (int)OK(open_writing((int)(long)argument));
  EXPECT_EQ(write(fd, "thread", 6), 6);
  EXPECT_EQ(close(fd), 0);
  return NULL;
}

static void read_all(const char *wanted) {
  char text[16] = "";
  int fd = (int)OK(open("fifo", O_RDONLY));
  ssize_t n, have = 0;
  while ((n = read(fd, text + have, sizeof text - (size_t)have)) > 0) have += n;
  EXPECT_EQ(have, strlen(wanted));
  EXPECT(memcmp(text, wanted, strlen(wanted)) == 0);
  EXPECT_EQ(close(fd), 0);
}

static void on_alarm(int signal) { (void)signal; }

int main(void) {
  EXPECT_EQ(mkfifo("fifo", 0600), 0);
  for (int use_at = 0; use_at < 2; use_at++) {
    pid_t child = fork();
    if (child == 0) {
      int fd = open_writing(use_at);
      _exit(fd >= 0 && write(fd, "child", 5) == 5 ? 0 : 1);
    }
    read_all("child");
    EXPECT_EQ(ended(child), 0);
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, NULL, writer, (void *)(long)use_at), 0);
    read_all("thread");
    EXPECT_EQ(pthread_join(thread, NULL), 0);
  }
  EXPECT_ERR(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);

  struct sigaction action = {.sa_handler = on_alarm};
  EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
  struct itimerval soon = {.it_value = {0, 50000}};
  EXPECT_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
  EXPECT_ERR(open("fifo", O_RDONLY), EINTR);
  int both = (int)OK(open("fifo", O_RDWR));
  EXPECT_EQ(close(both), 0);
  EXPECT_EQ(unlink("fifo"), 0);
  fact("a FIFO opens when both ends are there");
  return finish();
}
