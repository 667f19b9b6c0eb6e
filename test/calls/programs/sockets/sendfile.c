/* sendfile and splice with a TCP connection at one end: offsets, ends, pipes, a reader that waits,
 * a socket that does not. */
#include "check.h"
#include <netinet/in.h>
#include <sys/sendfile.h>

enum { SIZE = 3 << 20 };
static char *bytes, *back;
static int ends[2]; /* of the connection: ours, the other */

static void connect_ends(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(bind(listener, (void *)&address, sizeof address), 0);
  EXPECT_EQ(listen(listener, 1), 0);
  EXPECT_EQ(getsockname(listener, (void *)&address, &length), 0);
  ends[1] = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(connect(ends[1], (void *)&address, sizeof address), 0);
  ends[0] = (int)OK(accept(listener, NULL, NULL));
  close(listener);
}

static void *reader(void *unused) {
  (void)unused;
  EXPECT_EQ(recv(ends[1], back, SIZE, MSG_WAITALL), SIZE);
  return NULL;
}

int main(void) {
  bytes = malloc(SIZE);
  back = malloc(SIZE);
  for (size_t i = 0; i < SIZE; i++) bytes[i] = (char)(i * 11 + i / 4093);
  int file = file_of("file", ""), small = file_of("small", "through the connection");
  EXPECT_EQ(write(file, bytes, SIZE), SIZE);
  connect_ends();

  /* All of a file, in as many calls as it takes. */
  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, reader, NULL), 0);
  off_t offset = 0;
  while (offset < SIZE)
    if (sendfile(ends[0], file, &offset, SIZE - (size_t)offset) <= 0) break;
  EXPECT_EQ(offset, SIZE);
  EXPECT_EQ(pthread_join(thread, NULL), 0);
  EXPECT_MEM(back, bytes, SIZE);
  EXPECT_EQ(sendfile(ends[0], file, &offset, 10), 0);
  EXPECT_EQ(lseek(file, 0, SEEK_CUR), SIZE);

  /* The file's own offset; the end of the file. */
  EXPECT_EQ(lseek(small, 8, SEEK_SET), 8);
  EXPECT_EQ(sendfile(ends[0], small, NULL, 3), 3);
  EXPECT_EQ(lseek(small, 0, SEEK_CUR), 11);
  EXPECT_EQ(sendfile(ends[0], small, NULL, 100), 11);
  EXPECT_EQ(sendfile(ends[0], small, NULL, 100), 0);
  EXPECT_EQ(recv(ends[1], back, 14, MSG_WAITALL), 14);
  fact("%.14s", back);

  /* A file through a pipe to the connection, and from it through a pipe to a file. */
  int pipes[2];
  OK(pipe(pipes));
  loff_t from = 0;
  EXPECT_EQ(splice(small, &from, pipes[1], NULL, 7, 0), 7);
  EXPECT_EQ(from, 7);
  EXPECT_EQ(splice(pipes[0], NULL, ends[0], NULL, 100, SPLICE_F_NONBLOCK), 7);
  EXPECT_ERR(splice(pipes[0], NULL, ends[0], NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
  EXPECT_EQ(splice(ends[1], NULL, pipes[1], NULL, 100, 0), 7);
  EXPECT_EQ(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
  EXPECT_ERR(splice(ends[1], NULL, pipes[1], NULL, 100, 0), EAGAIN);
  EXPECT_EQ(fcntl(ends[1], F_SETFL, 0), 0);
  from = 22;
  EXPECT_EQ(splice(pipes[0], NULL, small, &from, 100, 0), 7);
  EXPECT_EQ(from, 29);
  EXPECT_EQ(pread(small, back, 40, 0), 29);
  fact("%.29s", back);

  /* A socket that does not wait takes what it can. */
  EXPECT_EQ(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
  offset = 0;
  long sent, all = 0;
  while ((sent = sendfile(ends[0], file, &offset, SIZE)) > 0 && all < (64 << 20)) {
    all += sent;
    if (offset == SIZE) offset = 0;
  }
  EXPECT(sent == -1 && errno == EAGAIN);
  note("taken %ld", all);
  for (long got = 0, n; got < all; got += n)
    if ((n = recv(ends[1], back, SIZE, 0)) <= 0) {
      EXPECT(n > 0);
      break;
    }

  EXPECT_ERR(splice(small, NULL, ends[0], NULL, 5, 0), EINVAL);
  EXPECT_ERR(splice(pipes[0], NULL, ends[0], &from, 5, 0), EINVAL);
  EXPECT_ERR(splice(pipes[0], &from, ends[0], NULL, 5, 0), ESPIPE);
  EXPECT_ERR(sendfile(ends[0], 1000, NULL, 5), EBADF);
  EXPECT_ERR(sendfile(ends[0], ends[1], NULL, 5), EINVAL);
  EXPECT_ERR(syscall(SYS_sendfile, ends[0], file, 8, 5), EFAULT);
  EXPECT_EQ(sendfile(ends[0], file, NULL, 0), 0);

  close(ends[1]);
  signal(SIGPIPE, SIG_IGN);
  offset = 0;
  for (int i = 0; i < 1000 && (sent = sendfile(ends[0], small, &offset, 5)) >= 0; i++) offset = 0;
  EXPECT(sent == -1 && (errno == EPIPE || errno == ECONNRESET));

  /* Into a file that is mapped. */
  char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, small, 0);
  EXPECT(map != MAP_FAILED);
  EXPECT_EQ(lseek(small, 0, SEEK_SET), 0);
  offset = 1;
  EXPECT_EQ(sendfile(small, file, &offset, 12), 12);
  EXPECT_MEM(map, bytes + 1, 12);
  loff_t to = 20;
  from = 100;
  long copied = copy_file_range(file, &from, small, &to, 9, 0);
  if (copied == 9) EXPECT_MEM(map + 20, bytes + 100, 9);
  int memory = (int)OK(memfd_create("m", 0));
  EXPECT_EQ(sendfile(memory, file, &offset, 100), 100);
  EXPECT_EQ(pread(memory, back, 200, 0), 100);
  return finish();
}
