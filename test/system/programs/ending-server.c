/* ending-server.c: a server that answers each line on port 80 with the same line, by somebody who
 * ends after it: a thread (`thread`), or a process that shares memory with this one, whose end is
 * its own (`child`) or a signal's (`killed`). Nobody waits for them.
 * The rule: when the client has its answer, the only thing still to happen is that end. */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int listener;
static volatile int *shared;

/* Until the client has closed: a close of ours could come after its reading of the end. */
static void answer(int client, char *line, ssize_t bytes) {
  if (write(client, line, (size_t)bytes) != bytes) fail("write");
  while (read(client, line, 1) > 0) continue;
  close(client);
  ++*shared;
}

struct asked {
  int client;
  ssize_t bytes;
  char line[64];
};

static void *serve(void *asked) {
  struct asked *a = asked;
  answer(a->client, a->line, a->bytes);
  free(a);
  return NULL;
}

static void in_thread(struct asked *a) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, serve, a) || pthread_detach(thread)) fail("thread");
}

static void in_child(struct asked *a) {
  pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid) {
    close(a->client);
    free(a);
    return;
  }
  int is_killed = !strncmp(a->line, "killed", 6);
  close(listener);
  answer(a->client, a->line, a->bytes);
  if (is_killed) raise(SIGKILL);
  _exit(0);
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
  int one = 1;
  signal(SIGCHLD, SIG_IGN);
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) fail("mmap");
  listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 8))
    fail("listen");
  for (;;) {
    struct asked *a = calloc(1, sizeof *a);
    a->client = accept(listener, NULL, NULL);
    a->bytes = read(a->client, a->line, sizeof a->line);
    if (!strncmp(a->line, "thread", 6))
      in_thread(a);
    else
      in_child(a);
  }
}
