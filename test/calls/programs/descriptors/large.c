/* More in one call than one record of the log holds: files, pairs, pipes, vectors, messages. */
#include "check.h"

enum { SIZE = 18 << 20 };

static char *bytes, *back;

static char value(size_t i) { return (char)(i * 7 + i / 65521); }
static void expect(const char *what, long got) {
  EXPECT_EQ(got, SIZE);
  int same = 1;
  for (size_t i = 0; i < SIZE; i += 509) same &= back[i] == value(i);
  EXPECT(same && back[SIZE - 1] == value(SIZE - 1));
  fact("%s: all of it", what);
  memset(back, 0, SIZE);
}

static pid_t feed(int fd) {
  pid_t child = fork();
  if (child) return child;
  for (size_t at = 0; at < SIZE;) {
    ssize_t n = write(fd, bytes + at, SIZE - at);
    if (n <= 0) _exit(1);
    at += (size_t)n;
  }
  _exit(0);
}

int main(void) {
  bytes = malloc(SIZE);
  back = malloc(SIZE);
  for (size_t i = 0; i < SIZE; i++) bytes[i] = value(i);
  int file = file_of("large", "");
  EXPECT_EQ(write(file, bytes, SIZE), SIZE);
  EXPECT_EQ(lseek(file, 0, SEEK_SET), 0);
  expect("read", read(file, back, SIZE));
  EXPECT_EQ(read(file, back, 1), 0);
  expect("pread", pread(file, back, SIZE, 0));
  struct iovec parts[3] = {{back, 100}, {back + 100, SIZE - 200}, {back + SIZE - 100, 100}};
  expect("preadv", preadv(file, parts, 3, 0));
  EXPECT_EQ(lseek(file, 0, SEEK_SET), 0);
  expect("readv", readv(file, parts, 3));
  struct iovec sent[3] = {{bytes, 100}, {bytes + 100, SIZE - 200}, {bytes + SIZE - 100, 100}};
  EXPECT_EQ(pwritev(file, sent, 3, 0), SIZE);

  int pair[2];
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  pid_t child = feed(pair[0]);
  expect("recv", recv(pair[1], back, SIZE, MSG_WAITALL));
  EXPECT_EQ(ended(child), 0);
  child = feed(pair[0]);
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
  expect("recvmsg", recvmsg(pair[1], &message, MSG_WAITALL));
  EXPECT_EQ(ended(child), 0);

  int fd = (int)OK(memfd_create("large", 0));
  EXPECT_EQ(write(fd, bytes, SIZE), SIZE);
  EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
  expect("memfd", read(fd, back, SIZE));
  EXPECT_EQ(write(fd, "end", 3), 3);
  char *map = mmap(NULL, SIZE + 3, PROT_READ, MAP_SHARED, fd, 0);
  EXPECT(map != MAP_FAILED && map[SIZE] == 'e');

  /* mapped as a whole, and changed while it is */
  char *shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  EXPECT(shared != MAP_FAILED && shared[SIZE - 1] == value(SIZE - 1));
  EXPECT_EQ(truncate("large", 8192), 0);
  EXPECT_EQ(truncate("large", SIZE), 0);
  EXPECT_EQ(shared[8192], 0);
  EXPECT_EQ(pwrite(file, "changed", 7, SIZE - 7), 7);
  EXPECT_MEM(shared + SIZE - 7, "changed", 7);
  return finish();
}
