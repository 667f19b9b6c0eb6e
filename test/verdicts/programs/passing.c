/* passing.c: a descriptor goes through a socket.
 * Expected: replicable */
#include "small.h"

int main(void) {
  int pair[2], ends[2], got = -1;
  char room[CMSG_SPACE(sizeof(int))] = {0}, byte = 'x', text[8] = "";
  struct iovec data = {&byte, 1};
  struct msghdr message = {
    .msg_iov = &data, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room,
  };
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  NEED(pipe(ends));
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS, head->cmsg_len = CMSG_LEN(4);
  memcpy(CMSG_DATA(head), &ends[0], sizeof(int));
  NEED(sendmsg(pair[0], &message, 0));
  NEED(recvmsg(pair[1], &message, 0));
  memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof got);
  NEED(write(ends[1], "through", 7));
  NEED(read(got, text, 7));
  tell("descriptor", (unsigned long)got);
  return strcmp(text, "through") != 0;
}
