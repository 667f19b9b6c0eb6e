// tc has no link object: a filter stays until somebody removes it, and so does the qdisc below it.
// So this file keeps count of the qdiscs this process made (for all its environments), and removes
// one only after its last filter, and only if no stranger has put a filter there meanwhile.
#include "tc.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <utility>

namespace {

using QdiscKey = std::pair<ino_t, int>;  // network namespace, interface

std::mutex qdiscLock;
std::map<QdiscKey, unsigned> qdiscUsers;  // only of qdiscs made here

QdiscKey keyOf(int ifindex) {
  struct stat status {};
  stat("/proc/thread-self/ns/net", &status);
  return {status.st_ino, ifindex};
}

struct bpf_tc_hook hookOf(int ifindex, bpf_tc_attach_point point) {
  struct bpf_tc_hook hook {};
  hook.sz = sizeof hook;
  hook.ifindex = ifindex;
  hook.attach_point = point;
  return hook;
}

// True if one answer to the dump holds a filter; `done` is set at its end.
bool holdsFilter(const char* bytes, size_t length, bool* done) {
  bool found = false;
  for (auto* header = reinterpret_cast<const nlmsghdr*>(bytes);
       NLMSG_OK(header, static_cast<unsigned>(length));
       header = NLMSG_NEXT(header, length)) {
    if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) *done = true;
    if (header->nlmsg_type == RTM_NEWTFILTER) found = true;
  }
  return found;
}

// Whether any filter hangs on that side of the qdisc. When in doubt: yes, so that it is kept.
bool hasFilter(int ifindex, uint32_t side) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return true;
  struct {
    nlmsghdr header;
    tcmsg message;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETTFILTER;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.message.tcm_family = AF_UNSPEC;
  request.message.tcm_ifindex = ifindex;
  request.message.tcm_parent = TC_H_MAKE(TC_H_CLSACT, side);
  bool found = true;
  if (send(fd, &request, sizeof request, 0) == static_cast<ssize_t>(sizeof request)) {
    found = false;
    bool done = false;
    alignas(nlmsghdr) static thread_local char answer[32768];
    while (!done) {
      ssize_t length = recv(fd, answer, sizeof answer, 0);
      if (length <= 0) {
        found = true;
        break;
      }
      if (holdsFilter(answer, static_cast<size_t>(length), &done)) found = true;
    }
  }
  close(fd);
  return found;
}

// Takes one use of the qdisc, making it if missing. 1: held by this process; 0: a stranger's.
int holdQdisc(int ifindex) {
  std::lock_guard<std::mutex> guard(qdiscLock);
  auto hook = hookOf(ifindex, static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
  int error = bpf_tc_hook_create(&hook);
  QdiscKey key = keyOf(ifindex);
  if (error == 0) {
    qdiscUsers[key] = 1;  // an older count is of a qdisc that somebody removed
    return 1;
  }
  if (error != -EEXIST) return error;
  auto entry = qdiscUsers.find(key);
  if (entry == qdiscUsers.end()) return 0;
  entry->second++;
  return 1;
}

void releaseQdisc(int ifindex) {
  std::lock_guard<std::mutex> guard(qdiscLock);
  auto entry = qdiscUsers.find(keyOf(ifindex));
  if (entry == qdiscUsers.end() || --entry->second > 0) return;
  qdiscUsers.erase(entry);
  if (hasFilter(ifindex, TC_H_MIN_INGRESS) || hasFilter(ifindex, TC_H_MIN_EGRESS)) return;
  auto hook = hookOf(ifindex, static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS));
  bpf_tc_hook_destroy(&hook);
}

}  // namespace

int TcLink::attach(int programFd, const TcTarget& target) {
  target_ = target;
  int held = holdQdisc(target.ifindex);
  if (held < 0) return held;
  holdsQdisc_ = held == 1;
  auto hook = hookOf(target.ifindex, target.egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
  LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = programFd,
              .flags = target.replace ? BPF_TC_F_REPLACE : 0u, .handle = target.handle,
              .priority = target.priority);
  int error = bpf_tc_attach(&hook, &opts);
  if (error != 0) {
    if (holdsQdisc_) releaseQdisc(target.ifindex);
    holdsQdisc_ = false;
    return error;
  }
  attached_ = true;
  target_.handle = opts.handle;
  target_.priority = opts.priority;
  return 0;
}

int TcLink::close() {
  if (!attached_) return 0;
  attached_ = false;
  auto hook = hookOf(target_.ifindex, target_.egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
  LIBBPF_OPTS(bpf_tc_opts, opts, .handle = target_.handle, .priority = target_.priority);
  int error = bpf_tc_detach(&hook, &opts);
  if (holdsQdisc_) releaseQdisc(target_.ifindex);
  // The interface, the qdisc or the filter was removed before: the aim is reached.
  return error == -ENODEV || error == -ENOENT || error == -EINVAL ? 0 : error;
}
