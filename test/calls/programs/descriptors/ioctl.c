/* ioctl: what programs ask of files, pipes, sockets and terminals. */
#include "check.h"
#include <linux/fs.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

static void terminal(void) {
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0) {
    note("no terminals: %s", strerrorname_np(errno));
    return;
  }
  EXPECT_EQ(grantpt(master), 0);
  EXPECT_EQ(unlockpt(master), 0);
  int slave = (int)OK(open(ptsname(master), O_RDWR | O_NOCTTY));
  struct winsize size = {24, 80, 0, 0}, got = {0, 0, 0, 0};
  EXPECT_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
  EXPECT_EQ(ioctl(slave, TIOCGWINSZ, &got), 0);
  EXPECT(got.ws_row == 24 && got.ws_col == 80);
  EXPECT(isatty(slave));
  struct termios *settings = (void *)guarded(sizeof *settings);
  EXPECT_EQ(tcgetattr(slave, settings), 0);
  EXPECT(untouched((unsigned char *)settings, sizeof *settings));
  cfmakeraw(settings);
  EXPECT_EQ(tcsetattr(slave, TCSANOW, settings), 0);
  char text[8];
  EXPECT_EQ(write(master, "typed\r", 6), 6);
  EXPECT_EQ(read(slave, text, sizeof text), 6);
  EXPECT_EQ(text[5], '\r');

  /* The other end without its name, and what is made after it. */
  int other = (int)OK(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  int again = (int)OK(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK));
  EXPECT(other == slave + 1 && again == slave + 2);
  EXPECT_EQ(fcntl(other, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(fcntl(again, F_GETFD), 0);
  EXPECT(read(again, text, sizeof text) == -1 && errno == EAGAIN);
  EXPECT_EQ(write(other, "shown", 5), 5);
  EXPECT_EQ(read(master, text, sizeof text), 5);
  EXPECT(ioctl(slave, TIOCGPTPEER, O_RDWR) == -1);
  int next = (int)OK(dup(master));
  fact("other end at +%d and +%d, a copy at +%d", other - slave, again - slave, next - slave);
  close(slave), close(other), close(again), close(next), close(master);
}

static void namespaces(void) {
  int net = (int)OK(open("/proc/self/ns/net", O_RDONLY));
  int owner = ioctl(net, NS_GET_USERNS);
  note("owner %d, parent %d", owner, ioctl(net, NS_GET_PARENT));
  if (owner >= 0) EXPECT_EQ(fcntl(owner, F_GETFD), FD_CLOEXEC);
  close(owner), close(net);
}

int main(void) {
  namespaces();
  int pair[2], value = -1, on = 1;
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  EXPECT_EQ(write(pair[0], "12345", 5), 5);
  EXPECT_EQ(RAW(SYS_ioctl, pair[1], FIONREAD, &value), 0);
  EXPECT_EQ(value, 5);
  EXPECT_EQ(ioctl(pair[0], TIOCOUTQ, &value), 0);
  note("unread %d", value);
  EXPECT_EQ(ioctl(pair[1], FIONBIO, &on), 0);
  EXPECT(fcntl(pair[1], F_GETFL) & O_NONBLOCK);
  EXPECT_EQ(ioctl(pair[1], FIOCLEX), 0);
  EXPECT_EQ(fcntl(pair[1], F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(ioctl(pair[1], FIONCLEX), 0);
  EXPECT_EQ(fcntl(pair[1], F_GETFD), 0);
  int file = file_of("data", "0123456789");
  EXPECT_EQ(lseek(file, 3, SEEK_SET), 3);
  EXPECT_EQ(ioctl(file, FIONREAD, &value), 0);
  EXPECT_EQ(value, 7);
  int block = 0;
  EXPECT_EQ(ioctl(file, FIGETBSZ, &block), 0);
  EXPECT(block >= 512);
  long long length = -1;
  EXPECT_EQ(ioctl(file, FIOQSIZE, &length), 0);
  EXPECT(length >= 0);
  struct winsize size;
  EXPECT_ERR(ioctl(file, TIOCGWINSZ, &size), ENOTTY);
  EXPECT(!isatty(0));
  EXPECT_ERR(ioctl(1000, FIONREAD, &value), EBADF);
  EXPECT_ERR(syscall(SYS_ioctl, pair[1], FIONREAD, 8), EFAULT);
  EXPECT_ERR(ioctl(file, 0xdead, &value), ENOTTY);

  int socket4 = (int)OK(socket(AF_INET, SOCK_DGRAM, 0));
  struct ifreq request = {.ifr_name = "lo"};
  EXPECT_EQ(ioctl(socket4, SIOCGIFINDEX, &request), 0);
  fact("lo is %d", request.ifr_ifindex);
  EXPECT_EQ(ioctl(socket4, SIOCGIFFLAGS, &request), 0);
  EXPECT(request.ifr_flags & IFF_LOOPBACK);
  EXPECT_EQ(ioctl(socket4, SIOCGIFMTU, &request), 0);
  note("mtu %d", request.ifr_mtu);
  struct ifconf list = {.ifc_len = 2048, .ifc_buf = (char *)guarded(2048)};
  EXPECT_EQ(ioctl(socket4, SIOCGIFCONF, &list), 0);
  EXPECT(list.ifc_len % (int)sizeof request == 0);
  EXPECT(untouched((unsigned char *)list.ifc_buf, (size_t)list.ifc_len));
  strcpy(request.ifr_name, "absent");
  EXPECT_ERR(ioctl(socket4, SIOCGIFFLAGS, &request), ENODEV);
  terminal();
  return finish();
}
