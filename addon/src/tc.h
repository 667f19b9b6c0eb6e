// A BPF program as a tc filter on a clsact qdisc, with the qdisc's ownership.
#pragma once

#include <cstdint>

struct TcTarget {
  int ifindex;
  bool egress;
  bool replace;       // take over a filter left by a process that died
  uint32_t priority;  // 0: the kernel chooses
  uint32_t handle;    // 0: the kernel chooses
};

class TcLink {
 public:
  // Makes the clsact qdisc if it is missing. 0, or -errno with nothing left behind.
  int attach(int programFd, const TcTarget& target);
  // Detaches, and removes the qdisc if this process made it and nobody else uses it. 0 or -errno;
  // an interface that is gone counts as detached.
  int close();
  ~TcLink() { close(); }

 private:
  TcTarget target_{};
  bool attached_ = false;
  bool holdsQdisc_ = false;
};
