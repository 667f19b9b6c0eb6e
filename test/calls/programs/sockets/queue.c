/* The queue of a Unix listener: one that is full makes a connect wait or fail, two processes take
 * from it, sockets of whole messages keep them whole, and the kernel finds names by itself. */
#include "check.h"
#include <sys/un.h>

enum { CLIENTS = 8 };

static int client(const struct sockaddr_un *address, socklen_t length) {
  for (int i = 0; i < CLIENTS; i++) {
    char word[16], back[16];
    int fd = (int)OK(socket(AF_UNIX, SOCK_SEQPACKET, 0));
    EXPECT_EQ(connect(fd, (const struct sockaddr *)address, length), 0);
    int len = snprintf(word, sizeof word, "%d", i);
    EXPECT_EQ(send(fd, word, (size_t)len, 0), len);
    EXPECT_EQ(recv(fd, back, 1, MSG_TRUNC), len); /* the rest of a message goes */
    EXPECT_EQ(back[0], word[0]);
    EXPECT_EQ(recv(fd, back, sizeof back, 0), 3);
    EXPECT_MEM(back, "end", 3);
    close(fd);
  }
  return check_failures ? 1 : 0;
}

static int take(int listener, int most) {
  for (int i = 0; i < most; i++) {
    char word[16];
    int fd = (int)OK(accept(listener, NULL, NULL));
    ssize_t n = recv(fd, word, sizeof word, 0);
    EXPECT(n > 0);
    EXPECT_EQ(send(fd, word, (size_t)n, 0), n);
    EXPECT_EQ(send(fd, "end", 3, 0), 3);
    close(fd);
  }
  return check_failures ? 1 : 0;
}

int main(void) {
  struct sockaddr_un found = {.sun_family = AF_UNIX};
  socklen_t length = sizeof(sa_family_t);
  int listener = (int)OK(socket(AF_UNIX, SOCK_SEQPACKET, 0));
  EXPECT_EQ(bind(listener, (struct sockaddr *)&found, length), 0);
  length = sizeof found;
  EXPECT_EQ(getsockname(listener, (struct sockaddr *)&found, &length), 0);
  EXPECT_EQ(length, sizeof(sa_family_t) + 6);
  EXPECT_EQ(listen(listener, 1), 0);

  int early[8], waiting = 0;
  for (; waiting < 8; waiting++) {
    early[waiting] = (int)OK(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
    if (connect(early[waiting], (struct sockaddr *)&found, length)) break;
  }
  EXPECT_EQ(errno, EAGAIN);
  fact("%d fit into a queue of one", waiting);
  for (int i = 0; i < waiting; i++) {
    EXPECT_EQ(send(early[i], "early", 5, 0), 5);
  }
  pid_t other = fork();
  if (other == 0) _exit(client(&found, length));
  pid_t taker = fork();
  if (taker == 0) _exit(take(listener, CLIENTS / 2));
  EXPECT_EQ(take(listener, CLIENTS / 2 + waiting), 0);
  EXPECT_EQ(ended(other), 0);
  EXPECT_EQ(ended(taker), 0);
  char text[8];
  for (int i = 0; i < waiting; i++) {
    EXPECT_EQ(recv(early[i], text, sizeof text, 0), 5);
    EXPECT_MEM(text, "early", 5);
  }
  return check_failures ? 1 : 0;
}
