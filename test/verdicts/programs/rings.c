/* rings.c: a ring of packets that the kernel fills.
 * Expected: not replicable */
#include "small.h"
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

int main(void) {
  int fd = (int)NEED(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
  struct tpacket_req room = {4096, 2, 2048, 4};
  NEED(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &room, sizeof room));
  unsigned long *ring = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (ring == MAP_FAILED) return 1;
  int out = (int)NEED(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in at = {
    .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
  NEED(sendto(out, "x", 1, 0, (struct sockaddr *)&at, sizeof at));
  struct pollfd ready = {fd, POLLIN, 0};
  NEED(poll(&ready, 1, 2000));
  tell("status", ring[0]);
  return ring[0] == 0;
}
