/* Pipes: full, empty, ended, broken, resized, and both ends in threads. */
#include "check.h"
#include <sys/ioctl.h>

static volatile sig_atomic_t broken;
static void on_pipe(int number) { (void)number, broken++; }

static void *writer(void *end) {
  char block[5000];
  for (int i = 0; i < 60; i++) {
    memset(block, 'a' + i % 26, sizeof block);
    EXPECT_EQ(write(*(int *)end, block, sizeof block), sizeof block);
  }
  EXPECT_EQ(close(*(int *)end), 0);
  return NULL;
}

int main(void) {
  int *ends = (void *)guarded(2 * sizeof *ends);
  EXPECT_EQ(RAW(SYS_pipe, ends), 0);
  EXPECT(untouched((unsigned char *)ends, 8));
  EXPECT_EQ(ends[1], ends[0] + 1);
  unsigned char *buffer = guarded(128);
  EXPECT_EQ(write(ends[1], "hello", 5), 5);
  int waiting = 0;
  EXPECT_EQ(ioctl(ends[0], FIONREAD, &waiting), 0);
  EXPECT_EQ(waiting, 5);
  EXPECT_EQ(read(ends[0], buffer, 3), 3);
  EXPECT_EQ(read(ends[0], buffer, 128), 2);
  EXPECT_MEM(buffer, "lo", 2);
  EXPECT(untouched(buffer, 3));
  EXPECT_ERR(read(ends[1], buffer, 1), EBADF);
  EXPECT_ERR(write(ends[0], buffer, 1), EBADF);

  int nonblocking[2];
  EXPECT_EQ(pipe2(nonblocking, O_NONBLOCK | O_CLOEXEC), 0);
  EXPECT_EQ(fcntl(nonblocking[0], F_GETFD), FD_CLOEXEC);
  EXPECT_ERR(read(nonblocking[0], buffer, 1), EAGAIN);
  fact("pipe size %d", fcntl(nonblocking[0], F_GETPIPE_SZ));
  EXPECT_EQ(fcntl(nonblocking[0], F_SETPIPE_SZ, 8192), 8192);
  char block[1000] = {0};
  long total = 0, got;
  while ((got = write(nonblocking[1], block, sizeof block)) > 0) total += got;
  EXPECT_EQ(errno, EAGAIN);
  EXPECT(total >= 4096 && total <= 8192);
  fact("filled with %ld", total);
  while ((got = read(nonblocking[0], block, sizeof block)) > 0) total -= got;
  EXPECT_EQ(total, 0);
  EXPECT_ERR(pipe2(nonblocking, 0x99), EINVAL);
  EXPECT_ERR(syscall(SYS_pipe, 8), EFAULT);
  EXPECT_ERR(syscall(SYS_pipe2, 8, 0), EFAULT);

  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, writer, &ends[1]), 0);
  unsigned sum = 0, reads = 0;
  total = 0;
  unsigned char chunk[4096];
  while ((got = OK(read(ends[0], chunk, sizeof chunk))) > 0) {
    for (long i = 0; i < got; i++) sum = sum * 31 + chunk[i];
    total += got;
    reads++;
  }
  EXPECT_EQ(pthread_join(thread, NULL), 0);
  fact("%ld bytes with sum %08x", total, sum);
  note("in %u reads", reads);

  struct sigaction action = {.sa_handler = on_pipe};
  EXPECT_EQ(sigaction(SIGPIPE, &action, NULL), 0);
  EXPECT_EQ(close(nonblocking[0]), 0);
  EXPECT_ERR(write(nonblocking[1], "x", 1), EPIPE);
  EXPECT_EQ(broken, 1);
  struct iovec part = {"x", 1};
  EXPECT_ERR(writev(nonblocking[1], &part, 1), EPIPE);
  EXPECT_EQ(broken, 2);
  signal(SIGPIPE, SIG_IGN);
  EXPECT_ERR(write(nonblocking[1], "x", 1), EPIPE);
  EXPECT_EQ(broken, 2);
  pid_t child = fork();
  if (child == 0) {
    signal(SIGPIPE, SIG_DFL);
    if (write(nonblocking[1], "x", 1)) _exit(3);
    _exit(4);
  }
  EXPECT_EQ(ended(child), 1000 + SIGPIPE);

  int packets[2];
  EXPECT_EQ(pipe2(packets, O_DIRECT), 0);
  EXPECT_EQ(write(packets[1], "one", 3), 3);
  EXPECT_EQ(write(packets[1], "two", 3), 3);
  EXPECT_EQ(read(packets[0], chunk, 100), 3);
  return finish();
}
