/* sendmsg, recvmsg, sendmmsg, recvmmsg: many parts, control data, truncation told. */
#include "check.h"
#include <arpa/inet.h>

static int a, b;
static struct sockaddr_in at = {.sin_family = AF_INET};

static void bound(int *fd, struct sockaddr_in *address) {
  *fd = (int)OK(socket(AF_INET, SOCK_DGRAM, 0));
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(bind(*fd, (struct sockaddr *)address, sizeof *address), 0);
  socklen_t length = sizeof *address;
  EXPECT_EQ(getsockname(*fd, (struct sockaddr *)address, &length), 0);
}

static void control_data(void) {
  int on = 1;
  EXPECT_EQ(setsockopt(b, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on), 0);
  EXPECT_EQ(setsockopt(b, IPPROTO_IP, IP_PKTINFO, &on, sizeof on), 0);
  EXPECT_EQ(sendto(a, "timed", 5, 0, (struct sockaddr *)&at, sizeof at), 5);
  unsigned char *control = guarded(256), *text = guarded(16);
  struct iovec part = {text, 16};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                           .msg_controllen = 256};
  EXPECT_EQ(recvmsg(b, &message, 0), 5);
  EXPECT(untouched(text, 5));
  int stamps = 0, infos = 0;
  for (struct cmsghdr *h = CMSG_FIRSTHDR(&message); h; h = CMSG_NXTHDR(&message, h)) {
    stamps += h->cmsg_level == SOL_SOCKET && h->cmsg_type == SO_TIMESTAMP;
    infos += h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO;
    if (h->cmsg_level == SOL_SOCKET) {
      struct timeval stamp;
      memcpy(&stamp, CMSG_DATA(h), sizeof stamp);
      note("stamp %ld.%06ld", (long)stamp.tv_sec, (long)stamp.tv_usec);
    }
  }
  EXPECT(stamps == 1 && infos == 1);
  EXPECT(untouched(control, message.msg_controllen));
  EXPECT_EQ(sendto(a, "timed", 5, 0, (struct sockaddr *)&at, sizeof at), 5);
  message.msg_controllen = 20;
  EXPECT_EQ(recvmsg(b, &message, 0), 5);
  EXPECT(message.msg_flags & MSG_CTRUNC);
}

int main(void) {
  struct sockaddr_in from = {.sin_family = AF_INET}, who;
  bound(&a, &from);
  bound(&b, &at);
  struct iovec out[3] = {{"one ", 4}, {"two ", 4}, {"three", 5}};
  struct msghdr message = {.msg_name = &at, .msg_namelen = sizeof at, .msg_iov = out,
                           .msg_iovlen = 3};
  EXPECT_EQ(sendmsg(a, &message, 0), 13);
  unsigned char *first = guarded(6), *second = guarded(30);
  struct iovec in[2] = {{first, 6}, {second, 30}};
  struct msghdr got = {.msg_name = &who, .msg_namelen = sizeof who, .msg_iov = in,
                       .msg_iovlen = 2, .msg_flags = -1};
  EXPECT_EQ(recvmsg(b, &got, 0), 13);
  EXPECT_MEM(first, "one tw", 6);
  EXPECT_MEM(second, "o three", 7);
  EXPECT(untouched(first, 6) && untouched(second, 7));
  EXPECT_EQ(got.msg_flags, 0);
  EXPECT_EQ(got.msg_namelen, sizeof who);
  EXPECT_EQ(who.sin_port, from.sin_port);
  fact("parts %.6s|%.7s", first, second);

  EXPECT_EQ(sendmsg(a, &message, 0), 13);
  got.msg_iovlen = 1;
  EXPECT_EQ(recvmsg(b, &got, 0), 6);
  EXPECT_EQ(got.msg_flags, MSG_TRUNC);
  EXPECT_EQ(sendmsg(a, &message, 0), 13);
  EXPECT_EQ(recvmsg(b, &got, MSG_TRUNC), 13);
  EXPECT_ERR(recvmsg(b, &got, MSG_DONTWAIT), EAGAIN);

  struct mmsghdr many[3] = {{.msg_hdr = message}, {.msg_hdr = message}, {.msg_hdr = message}};
  many[1].msg_hdr.msg_iovlen = 1;
  EXPECT_EQ(sendmmsg(a, many, 3, 0), 3);
  EXPECT(many[0].msg_len == 13 && many[1].msg_len == 4 && many[2].msg_len == 13);
  unsigned char *bytes[4];
  struct iovec parts[4];
  struct mmsghdr *taken = (void *)guarded(4 * sizeof *taken);
  struct sockaddr_in peers[4];
  for (int i = 0; i < 4; i++) {
    bytes[i] = guarded(20);
    parts[i] = (struct iovec){bytes[i], 20};
    taken[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1,
                                            .msg_name = &peers[i], .msg_namelen = sizeof *peers}};
  }
  struct timespec limit = {.tv_sec = 5};
  EXPECT_EQ(recvmmsg(b, taken, 4, MSG_WAITFORONE, &limit), 3);
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(taken[i].msg_len, many[i].msg_len);
    EXPECT_EQ(peers[i].sin_port, from.sin_port);
    EXPECT(untouched(bytes[i], taken[i].msg_len));
  }
  EXPECT(untouched((unsigned char *)taken, 4 * sizeof *taken));
  EXPECT_ERR(recvmmsg(b, taken, 4, MSG_DONTWAIT, NULL), EAGAIN);
  EXPECT_EQ(sendmmsg(a, many, 0, 0), 0);
  EXPECT_ERR(sendmmsg(1000, many, 1, 0), EBADF);
  EXPECT_ERR(sendmsg(0, &message, 0), ENOTSOCK);
  EXPECT_ERR(syscall(SYS_recvmsg, b, 8, 0), EFAULT);
  EXPECT_ERR(syscall(SYS_sendmsg, a, 8, 0), EFAULT);
  message.msg_iovlen = 5000;
  EXPECT_ERR(sendmsg(a, &message, 0), EMSGSIZE);
  control_data();
  return finish();
}
