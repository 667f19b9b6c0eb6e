/* requests.c: an ioctl that writes where its argument points to.
 * Expected: not replicable */
#include "small.h"
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>

int main(void) {
  struct ethtool_value info = {.cmd = ETHTOOL_GLINK};
  struct ifreq request = {.ifr_name = "lo", .ifr_data = (char *)&info};
  int fd = (int)NEED(socket(AF_INET, SOCK_DGRAM, 0));
  int failed = ioctl(fd, SIOCETHTOOL, &request) < 0;
  tell("link", info.data);
  return failed || info.data != 1;
}
