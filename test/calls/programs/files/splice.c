/* splice, tee and vmsplice between pipes and a file. */
#include "check.h"

int main(void) {
  int fd = file_of("data", "through the pipes"), a[2], b[2];
  OK(pipe(a));
  OK(pipe(b));
  loff_t offset = 8;
  char text[64] = {0};
  EXPECT_EQ(splice(fd, &offset, a[1], NULL, 9, 0), 9);
  EXPECT_EQ(offset, 17);
  EXPECT_EQ(tee(a[0], b[1], 100, 0), 9);
  EXPECT_EQ(read(a[0], text, sizeof text), 9);
  fact("spliced %.9s", text);
  EXPECT_EQ(splice(b[0], NULL, a[1], NULL, 100, SPLICE_F_NONBLOCK), 9);
  offset = 0;
  EXPECT_EQ(splice(a[0], NULL, fd, &offset, 3, SPLICE_F_MOVE), 3);
  EXPECT_EQ(offset, 3);
  EXPECT_EQ(read(a[0], text, sizeof text), 6);
  EXPECT_EQ(pread(fd, text, 17, 0), 17);
  fact("file %.17s", text);
  EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
  EXPECT_EQ(splice(fd, NULL, a[1], NULL, 5, 0), 5);
  EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 5);
  EXPECT_EQ(read(a[0], text, sizeof text), 5);

  EXPECT_ERR(splice(a[0], NULL, b[1], NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
  EXPECT_ERR(tee(a[0], b[1], 10, SPLICE_F_NONBLOCK), EAGAIN);
  EXPECT_ERR(splice(fd, NULL, fd, NULL, 10, 0), EINVAL);
  EXPECT_ERR(splice(a[0], &offset, fd, NULL, 10, 0), ESPIPE);
  EXPECT_ERR(splice(1000, NULL, a[1], NULL, 10, 0), EBADF);
  EXPECT_ERR(tee(fd, a[1], 10, 0), EINVAL);
  EXPECT_ERR(tee(a[0], a[1], 10, 0), EINVAL);
  EXPECT_ERR(splice(fd, NULL, a[1], NULL, 10, 0x99), EINVAL);

  struct iovec part = {"lent pages", 10};
  long lent = MAYBE_REFUSED(vmsplice(a[1], &part, 1, 0));
  EXPECT(lent == 10 || lent == -1);
  if (lent == 10) EXPECT_EQ(read(a[0], text, sizeof text), 10);

  close(a[1]);
  EXPECT_EQ(splice(a[0], NULL, b[1], NULL, 10, 0), 0);
  close(b[0]);
  signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
  EXPECT_ERR(splice(fd, NULL, b[1], NULL, 10, 0), EPIPE);
  return finish();
}
