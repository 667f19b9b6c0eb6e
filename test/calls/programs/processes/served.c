/* A server that forks for each connection and does not wait: every child sends a file to a client
 * and ends while the next one is made already. */
#include "check.h"
#include <netinet/in.h>
#include <sys/sendfile.h>

enum { CLIENTS = 60, SIZE = 5000 };
static struct sockaddr_in address = {.sin_family = AF_INET};

static void *ask(void *sum) {
  static char text[SIZE];
  for (int i = 0; i < CLIENTS; i++) {
    int s = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(connect(s, (void *)&address, sizeof address), 0);
    EXPECT_EQ(recv(s, text, SIZE, MSG_WAITALL), SIZE);
    *(long *)sum += text[SIZE - 1];
    close(s);
  }
  return NULL;
}

int main(void) {
  socklen_t length = sizeof address;
  char bytes[SIZE];
  long sum = 0;
  memset(bytes, 'x', SIZE);
  int file = file_of("file", "");
  EXPECT_EQ(write(file, bytes, SIZE), SIZE);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  signal(SIGCHLD, SIG_IGN);
  int listener = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(bind(listener, (void *)&address, sizeof address), 0);
  EXPECT_EQ(listen(listener, 8), 0);
  EXPECT_EQ(getsockname(listener, (void *)&address, &length), 0);
  pthread_t client;
  EXPECT_EQ(pthread_create(&client, NULL, ask, &sum), 0);
  for (int i = 0; i < CLIENTS; i++) {
    int s = (int)OK(accept(listener, NULL, NULL));
    pid_t child = (pid_t)OK(fork());
    if (child == 0) {
      off_t from = 0;
      while (from < SIZE) OK(sendfile(s, file, &from, SIZE));
      _exit(0);
    }
    close(s);
  }
  EXPECT_EQ(pthread_join(client, NULL), 0);
  EXPECT(wait(NULL) == -1 && errno == ECHILD);
  fact("sum %ld", sum);
  return finish();
}
