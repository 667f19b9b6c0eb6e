/* A TCP server and its clients in one process: every byte there and back, in whatever pieces. */
#include "check.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>

#define CLIENTS 4
#define BYTES 200000

static struct sockaddr_in address = {.sin_family = AF_INET};

static void *client(void *number) {
  int fd = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  unsigned char *bytes = malloc(BYTES), *back = malloc(BYTES);
  for (int i = 0; i < BYTES; i++) bytes[i] = (unsigned char)(i * 31 + (long)number * 7);
  size_t got = 0;
  for (size_t sent = 0; sent < BYTES; sent += 20000) {
    EXPECT_EQ(send(fd, bytes + sent, 20000, 0), 20000);
    long n = OK(recv(fd, back + got, BYTES - got, 0));
    got += n > 0 ? (size_t)n : 0;
  }
  EXPECT_EQ(shutdown(fd, SHUT_WR), 0);
  EXPECT_EQ(recv(fd, back + got, BYTES - got, MSG_WAITALL), BYTES - got);
  EXPECT_MEM(back, bytes, BYTES);
  EXPECT_EQ(recv(fd, back, 1, 0), 0);
  EXPECT_EQ(close(fd), 0);
  free(bytes), free(back);
  return NULL;
}

static void *serve(void *argument) {
  int fd = (int)(long)argument;
  unsigned char *buffer = guarded(8192);
  long total = 0, pieces = 0, n;
  while ((n = OK(read(fd, buffer, 8192))) > 0) {
    EXPECT(untouched(buffer, 8192));
    EXPECT_EQ(write(fd, buffer, (size_t)n), n);
    total += n, pieces++;
  }
  EXPECT_EQ(total, BYTES);
  note("%ld pieces", pieces);
  EXPECT_EQ(close(fd), 0);
  return NULL;
}

int main(void) {
  int server = (int)OK(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), on = 1;
  EXPECT_EQ(setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(bind(server, (struct sockaddr *)&address, sizeof address), 0);
  EXPECT_EQ(listen(server, 16), 0);
  socklen_t length = sizeof address;
  EXPECT_EQ(getsockname(server, (struct sockaddr *)&address, &length), 0);
  note("port %d", ntohs(address.sin_port));

  pthread_t clients[CLIENTS], servers[CLIENTS];
  for (long i = 0; i < CLIENTS; i++)
    EXPECT_EQ(pthread_create(&clients[i], NULL, client, (void *)i), 0);
  for (int i = 0; i < CLIENTS; i++) {
    struct sockaddr_in peer;
    length = sizeof peer;
    long fd = OK(accept(server, (struct sockaddr *)&peer, &length));
    EXPECT_EQ(length, sizeof peer);
    EXPECT_EQ(peer.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    EXPECT_EQ(setsockopt((int)fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    note("peer port %d", ntohs(peer.sin_port));
    EXPECT_EQ(pthread_create(&servers[i], NULL, serve, (void *)fd), 0);
  }
  for (int i = 0; i < CLIENTS; i++) {
    EXPECT_EQ(pthread_join(clients[i], NULL), 0);
    EXPECT_EQ(pthread_join(servers[i], NULL), 0);
  }
  EXPECT_EQ(close(server), 0);
  int late = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_ERR(connect(late, (struct sockaddr *)&address, sizeof address), ECONNREFUSED);
  fact("%d clients, %d bytes each", CLIENTS, BYTES);
  return finish();
}
