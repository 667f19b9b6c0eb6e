/* What libc does around sockets: names resolved without a network, interfaces listed by netlink. */
#include "check.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>

int main(void) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM,
                           .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found = NULL;
  EXPECT_EQ(getaddrinfo("127.0.0.1", "8080", &hints, &found), 0);
  EXPECT(found && found->ai_family == AF_INET);
  char host[64], service[16];
  EXPECT_EQ(getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof host, service,
                        sizeof service, NI_NUMERICHOST | NI_NUMERICSERV), 0);
  fact("%s %s", host, service);
  freeaddrinfo(found);
  hints.ai_flags = 0;
  EXPECT_EQ(getaddrinfo("localhost", NULL, &hints, &found), 0);
  fact("localhost is %s", inet_ntoa(((struct sockaddr_in *)found->ai_addr)->sin_addr));
  freeaddrinfo(found);

  struct ifaddrs *list = NULL;
  EXPECT_EQ(getifaddrs(&list), 0);
  int loopback = 0, count = 0;
  for (struct ifaddrs *at = list; at; at = at->ifa_next, count++)
    if (strcmp(at->ifa_name, "lo") == 0) loopback++;
  EXPECT(loopback > 0);
  note("%d addresses", count);
  freeifaddrs(list);
  EXPECT_EQ(if_nametoindex("lo"), 1);
  EXPECT_EQ(if_nametoindex("absent"), 0);
  return finish();
}
