/* sendfile and copy_file_range: offsets advanced, ends found, pipes and sockets as targets. */
#include "check.h"
#include <sys/sendfile.h>

int main(void) {
  int from = file_of("from", "abcdefghijklmnopqrstuvwxyz"), to = file_of("to", "");
  off_t offset = 10;
  EXPECT_EQ(sendfile(to, from, &offset, 5), 5);
  EXPECT_EQ(offset, 15);
  EXPECT_EQ(lseek(from, 0, SEEK_CUR), 0);
  EXPECT_EQ(sendfile(to, from, NULL, 3), 3);
  EXPECT_EQ(lseek(from, 0, SEEK_CUR), 3);
  offset = 24;
  EXPECT_EQ(sendfile(to, from, &offset, 100), 2);
  EXPECT_EQ(sendfile(to, from, &offset, 100), 0);
  char text[64] = {0};
  EXPECT_EQ(pread(to, text, 63, 0), 10);
  fact("sendfile made %s", text);

  int pair[2];
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  offset = 0;
  EXPECT_EQ(sendfile(pair[0], from, &offset, 26), 26);
  EXPECT_EQ(recv(pair[1], text, sizeof text, 0), 26);
  EXPECT_MEM(text, "abcdefghijklmnopqrstuvwxyz", 26);
  EXPECT_ERR(sendfile(to, pair[1], NULL, 4), EINVAL);
  EXPECT_ERR(sendfile(1000, from, NULL, 4), EBADF);
  EXPECT_ERR(syscall(SYS_sendfile, to, from, 8, 4), EFAULT);

  loff_t in = 2, out = 100;
  long copied = copy_file_range(from, &in, to, &out, 4, 0);
  if (copied == -1) {
    note("copy_file_range: %s", strerrorname_np(errno));
  } else {
    EXPECT_EQ(copied, 4);
    EXPECT_EQ(in, 6);
    EXPECT_EQ(out, 104);
    EXPECT_EQ(pread(to, text, 4, 100), 4);
    EXPECT_MEM(text, "cdef", 4);
    EXPECT_EQ(lseek(from, 20, SEEK_SET), 20);
    EXPECT_EQ(copy_file_range(from, NULL, to, &out, 100, 0), 6);
    EXPECT_EQ(lseek(from, 0, SEEK_CUR), 26);
    EXPECT_EQ(copy_file_range(from, NULL, to, NULL, 100, 0), 0);
  }
  EXPECT_ERR(copy_file_range(from, &in, to, &out, 4, 99), EINVAL);
  EXPECT_ERR(copy_file_range(1000, &in, to, &out, 4, 0), EBADF);
  EXPECT_ERR(copy_file_range(pair[0], NULL, to, &out, 4, 0), EINVAL);

  /* A large file over a socket that takes it piece by piece. */
  int large = file_of("large", "");
  size_t size = 700000;
  char *bytes = malloc(size);
  for (size_t i = 0; i < size; i++) bytes[i] = (char)(i * 13 + i / 251);
  EXPECT_EQ(write(large, bytes, size), size);
  pid_t child = fork();
  if (child == 0) {
    offset = 0;
    while (offset < (off_t)size)
      if (sendfile(pair[0], large, &offset, size - (size_t)offset) <= 0) _exit(1);
    _exit(0);
  }
  char *back = malloc(size);
  EXPECT_EQ(recv(pair[1], back, size, MSG_WAITALL), size);
  EXPECT_MEM(back, bytes, size);
  EXPECT_EQ(ended(child), 0);
  return finish();
}
