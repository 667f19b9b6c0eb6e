/* A call that waits has its descriptor's number already: what is made meanwhile has higher ones. */
#include "check.h"
#include <netinet/in.h>

static int listener;

static void *wait_for_client(void *got) {
  *(int *)got = (int)OK(accept(listener, NULL, NULL));
  return NULL;
}

/* Makes two descriptors while accept() waits, and says how far apart all are from its own. */
static void round_of(int how, const struct sockaddr_in *address) {
  int made[2] = {-1, -1}, got = -1, first = (int)OK(dup(listener));
  pthread_t thread;
  close(first);
  EXPECT_EQ(pthread_create(&thread, NULL, wait_for_client, &got), 0);
  for (int tries = 0, taken = 0; !taken && tries < 2000; tries++) {
    int next = (int)OK(dup(listener));
    taken = next != first;
    close(next);
    usleep(1000);
  }
  if (how == 0) OK(pipe2(made, O_CLOEXEC));
  if (how == 1) OK(pipe(made));
  if (how == 2) OK(socketpair(AF_UNIX, SOCK_STREAM, 0, made));
  int client = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(connect(client, (const void *)address, sizeof *address), 0);
  EXPECT_EQ(pthread_join(thread, NULL), 0);
  fact("%d: made at +%d and +%d, accepted at +%d, client at +%d", how, made[0] - first,
       made[1] - first, got - first, client - first);
  EXPECT_EQ(fcntl(made[0], F_GETFD), how == 0 ? FD_CLOEXEC : 0);
  EXPECT_EQ(fcntl(made[1], F_GETFD), how == 0 ? FD_CLOEXEC : 0);
  char text[8];
  EXPECT_EQ(write(made[1], "through", 8), 8);
  EXPECT_EQ(read(made[0], text, 8), 8);
  EXPECT_MEM(text, "through", 8);
  close(got), close(client), close(made[0]), close(made[1]);
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  listener = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(bind(listener, (void *)&address, sizeof address), 0);
  EXPECT_EQ(listen(listener, 8), 0);
  EXPECT_EQ(getsockname(listener, (void *)&address, &length), 0);
  for (int how = 0; how < 3; how++) round_of(how, &address);
  return finish();
}
