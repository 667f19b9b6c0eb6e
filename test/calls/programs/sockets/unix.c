/* Unix sockets by path and by abstract name: streams, datagrams, two processes of one program. */
#include "check.h"
#include <sys/un.h>

static struct sockaddr_un named(const char *path, socklen_t *length) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
  return address;
}

static int conversation(const char *path) {
  socklen_t length;
  struct sockaddr_un address = named(path, &length);
  int fd = (int)OK(socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_EQ(connect(fd, (struct sockaddr *)&address, length), 0);
  for (int i = 0; i < 20; i++) {
    char line[32], back[32];
    int len = snprintf(line, sizeof line, "request %02d", i);
    EXPECT_EQ(write(fd, line, (size_t)len), len);
    EXPECT_EQ(recv(fd, back, (size_t)len, MSG_WAITALL), len);
    EXPECT_MEM(back, "REQUEST ", 8);
    EXPECT_MEM(back + 8, line + 8, 2);
  }
  return check_failures ? 1 : 0;
}

int main(void) {
  socklen_t length;
  struct sockaddr_un address = named("server", &length);
  int server = (int)OK(socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_EQ(bind(server, (struct sockaddr *)&address, length), 0);
  int early = (int)OK(socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_ERR(connect(early, (struct sockaddr *)&address, length), ECONNREFUSED);
  EXPECT_EQ(listen(server, 5), 0);
  struct stat info;
  EXPECT_EQ(stat("server", &info), 0);
  EXPECT(S_ISSOCK(info.st_mode));
  pid_t child = fork();
  if (child == 0) _exit(conversation("server"));
  int fd = (int)OK(accept(server, NULL, NULL));
  char text[64];
  long got, requests = 0;
  while ((got = OK(read(fd, text, sizeof text))) > 0) {
    for (long i = 0; i < got; i++)
      if (text[i] >= 'a' && text[i] <= 'z') text[i] -= 32;
    EXPECT_EQ(write(fd, text, (size_t)got), got);
    requests++;
  }
  EXPECT_EQ(ended(child), 0);
  fact("%ld requests from a child", requests);

  int a = (int)OK(socket(AF_UNIX, SOCK_DGRAM, 0)), b = (int)OK(socket(AF_UNIX, SOCK_DGRAM, 0));
  socklen_t length_a, length_b;
  struct sockaddr_un at_a = named("a", &length_a), at_b = named("b", &length_b), from;
  EXPECT_EQ(bind(a, (struct sockaddr *)&at_a, length_a), 0);
  EXPECT_EQ(bind(b, (struct sockaddr *)&at_b, length_b), 0);
  EXPECT_EQ(sendto(a, "from a", 6, 0, (struct sockaddr *)&at_b, length_b), 6);
  length = sizeof from;
  EXPECT_EQ(recvfrom(b, text, sizeof text, 0, (struct sockaddr *)&from, &length), 6);
  EXPECT_EQ(length, length_a);
  fact("%.6s came from %s", text, from.sun_path);
  EXPECT_EQ(connect(b, (struct sockaddr *)&at_a, length_a), 0);
  EXPECT_EQ(send(b, "back", 4, 0), 4);
  EXPECT_EQ(recv(a, text, 2, MSG_TRUNC), 4);
  EXPECT_EQ(close(a), 0);
  EXPECT_ERR(send(b, "x", 1, MSG_NOSIGNAL), ECONNREFUSED);
  EXPECT_EQ(unlink("a"), 0);
  EXPECT_EQ(unlink("b"), 0);
  address = named("absent", &length);
  EXPECT_ERR(connect(early, (struct sockaddr *)&address, length), ENOENT);
  EXPECT_ERR(bind(early, (struct sockaddr *)&address, sizeof address + 1), EINVAL);
  address.sun_family = 99;
  EXPECT_ERR(bind(early, (struct sockaddr *)&address, length), EINVAL);
  return finish();
}
