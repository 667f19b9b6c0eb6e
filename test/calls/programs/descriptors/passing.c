/* Socket pairs, and descriptors and credentials sent over them. */
#include "check.h"

static void send_fds(int over, int *fds, int count) {
  char control[CMSG_SPACE(8 * sizeof(int))] = {0};
  struct iovec part = {"F", 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                           .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  *head = (struct cmsghdr){.cmsg_len = CMSG_LEN((size_t)count * sizeof(int)),
                           .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(head), fds, (size_t)count * sizeof(int));
  EXPECT_EQ(sendmsg(over, &message, 0), 1);
}

static int receive_fds(int over, int *fds, int room, int flags) {
  unsigned char *control = guarded(CMSG_SPACE((size_t)room * sizeof(int)));
  char byte;
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                           .msg_controllen = CMSG_SPACE((size_t)room * sizeof(int))};
  EXPECT_EQ(recvmsg(over, &message, flags), 1);
  EXPECT_EQ(byte, 'F');
  EXPECT(untouched(control, CMSG_SPACE((size_t)room * sizeof(int))));
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (!head) return 0;
  EXPECT_EQ(head->cmsg_type, SCM_RIGHTS);
  int count = (int)((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
  memcpy(fds, CMSG_DATA(head), (size_t)count * sizeof(int));
  fact("received %d, flags %x", count, message.msg_flags & ~MSG_CMSG_CLOEXEC);
  return count;
}

int main(void) {
  int pair[2], packets[2], got[8], pipes[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  EXPECT_EQ(fcntl(pair[0], F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, packets), 0);
  EXPECT_ERR(socketpair(AF_INET, SOCK_STREAM, 0, got), EOPNOTSUPP);
  EXPECT_ERR(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 8), EFAULT);
  EXPECT_EQ(write(packets[0], "one", 3), 3);
  EXPECT_EQ(write(packets[0], "three", 5), 5);
  char text[16];
  EXPECT_EQ(read(packets[1], text, sizeof text), 3);
  EXPECT_EQ(recv(packets[1], text, 2, MSG_TRUNC), 5);

  int file = file_of("data", "0123456789");
  OK(pipe(pipes));
  send_fds(pair[0], (int[]){file, pipes[1]}, 2);
  EXPECT_EQ(receive_fds(pair[1], got, 2, MSG_CMSG_CLOEXEC), 2);
  EXPECT_EQ(fcntl(got[0], F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(read(got[0], text, 2), 2);
  EXPECT_EQ(lseek(file, 0, SEEK_CUR), 2); /* one open file, three numbers */
  EXPECT_EQ(write(got[1], "through", 7), 7);
  EXPECT_EQ(read(pipes[0], text, sizeof text), 7);
  send_fds(pair[0], (int[]){file, file, file}, 3);
  EXPECT_EQ(receive_fds(pair[1], got, 1, 0), 2); /* room for one is padded to room for two */

  /* A child opens and sends; the parent uses what was opened there. */
  pid_t child = fork();
  if (child == 0) {
    int made = file_of("child", "made by the child");
    send_fds(pair[0], &made, 1);
    _exit(check_failures ? 1 : 0);
  }
  EXPECT_EQ(receive_fds(pair[1], got, 1, 0), 1);
  char content[32] = {0};
  EXPECT_EQ(pread(got[0], content, 31, 0), 17);
  fact("%s", content);
  EXPECT_EQ(ended(child), 0);

  /* Two children wait for what the parent sends, each at a socket of its own. */
  int orders[2][2], results[2];
  OK(pipe(results));
  pid_t workers[2];
  for (int i = 0; i < 2; i++) {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, orders[i]), 0);
    if ((workers[i] = fork())) continue;
    for (int n = 0; n < 3; n++) {
      EXPECT_EQ(receive_fds(orders[i][1], got, 1, 0), 1);
      EXPECT_EQ(write(got[0], i ? "B" : "A", 1), 1);
      close(got[0]);
    }
    _exit(check_failures);
  }
  for (int n = 0; n < 6; n++) {
    usleep(500);
    send_fds(orders[n % 2][0], &results[1], 1);
    EXPECT_EQ(read(results[0], text, 1), 1);
    EXPECT_EQ(text[0], n % 2 ? 'B' : 'A');
  }
  for (int i = 0; i < 2; i++) EXPECT_EQ(ended(workers[i]), 0);

  int on = 1;
  EXPECT_EQ(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
  EXPECT_EQ(write(pair[0], "c", 1), 1);
  char control[CMSG_SPACE(sizeof(struct ucred))];
  struct iovec part = {text, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                           .msg_controllen = sizeof control};
  EXPECT_EQ(recvmsg(pair[1], &message, 0), 1);
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  EXPECT(head && head->cmsg_type == SCM_CREDENTIALS);
  struct ucred sender, peer;
  memcpy(&sender, CMSG_DATA(head), sizeof sender);
  EXPECT_EQ(sender.pid, getpid());
  socklen_t length = sizeof peer;
  EXPECT_EQ(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
  EXPECT_EQ(peer.pid, getpid());
  note("credentials of %d", sender.pid);
  EXPECT_EQ(close(pair[0]), 0);
  EXPECT_EQ(read(pair[1], text, 1), 0);
  return finish();
}
