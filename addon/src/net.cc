// What a takeover needs from the network and TypeScript has no call for: raw frames out of an
// interface (gratuitous ARP), and an interface's index and hardware address. The socket is opened
// beforehand, so that nothing can fail at the moment it is needed.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"

namespace {

// (name) → index
Napi::Value interfaceIndex(const Napi::CallbackInfo& info) {
  std::string name = info[0].As<Napi::String>();
  unsigned index = if_nametoindex(name.c_str());
  if (index == 0) fail(info.Env(), errno, "interface " + name);
  return Napi::Number::New(info.Env(), index);
}

// (name) → Buffer of 6 bytes
Napi::Value interfaceMac(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string name = info[0].As<Napi::String>();
  struct ifreq request {};
  if (name.size() >= sizeof request.ifr_name) fail(env, ENODEV, "interface " + name);
  memcpy(request.ifr_name, name.c_str(), name.size() + 1);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(env, errno, "socket");
  int result = ioctl(fd, SIOCGIFHWADDR, &request);
  int error = errno;
  close(fd);
  if (result != 0) fail(env, error, "interface " + name);
  return Napi::Buffer<uint8_t>::Copy(
      env, reinterpret_cast<uint8_t*>(request.ifr_hwaddr.sa_data), 6);
}

// (ifindex, SO_MARK of what it sends) → fd. Protocol 0: it receives nothing.
Napi::Value packetOpen(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(env, errno, "packet socket");
  struct sockaddr_ll address {};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = info[0].As<Napi::Number>();
  uint32_t mark = info[1].As<Napi::Number>();
  if (bind(fd, reinterpret_cast<struct sockaddr*>(&address), sizeof address) != 0 ||
      (mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0)) {
    int error = errno;
    close(fd);
    fail(env, error, "packet socket");
  }
  return Napi::Number::New(env, fd);
}

// (fd, frame with its Ethernet header)
void packetSend(const Napi::CallbackInfo& info) {
  Bytes frame = bytesOf(info[1]);
  ssize_t sent = send(info[0].As<Napi::Number>(), frame.data, frame.length, MSG_DONTWAIT);
  if (sent < 0) fail(info.Env(), errno, "send frame");
}

}  // namespace

void initNet(Napi::Object& exports) {
  add(exports, "interfaceIndex", interfaceIndex);
  add(exports, "interfaceMac", interfaceMac);
  add(exports, "packetOpen", packetOpen);
  add(exports, "packetSend", packetSend);
}
