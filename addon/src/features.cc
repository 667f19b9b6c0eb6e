// Finds what this kernel allows by trying it: loads a program of two instructions of each kind,
// attaches it where that cannot be noticed (an own network namespace, an own cgroup, this process),
// and takes it off again. Believing a version or a configuration would be wrong under lockdown.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "common.h"
#include "tc.h"

namespace {

// How far a try came: `error` is 0 when it worked, else the errno of `step`.
struct Try {
  const char* name;
  int error;
  const char* step;
};

// A descriptor or -errno, closed with its owner.
class Fd {
 public:
  explicit Fd(long fd) : fd_(static_cast<int>(fd)) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  operator int() const { return fd_; }
  bool failed() const { return fd_ < 0; }

 private:
  int fd_;
};

int loadTrivial(enum bpf_prog_type type, enum bpf_attach_type attachType, int returns,
                unsigned btfId = 0) {
  struct bpf_insn code[2] = {};
  code[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
  code[0].imm = returns;
  code[1].code = BPF_JMP | BPF_EXIT;
  LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attachType,
              .attach_btf_id = btfId);
  return bpf_prog_load(type, "hs_probe", "GPL", code, 2, &opts);
}

Try tryRawTracepoint() {
  Fd program(loadTrivial(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_CGROUP_INET_INGRESS, 0));
  if (program.failed()) return {"raw_tp", program, "load"};
  Fd link(bpf_raw_tracepoint_open("sys_enter", program));
  return {"raw_tp", link.failed() ? int(link) : 0, "attach"};
}

// tp_btf, fentry, fexit and lsm differ only in the type's name and the thing they hang on.
Try tryBtf(const char* name, enum bpf_prog_type type, enum bpf_attach_type attachType,
           const char* target) {
  int id = libbpf_find_vmlinux_btf_id(target, attachType);
  if (id <= 0) return {name, id < 0 ? id : -ENOENT, "find BTF"};
  Fd program(loadTrivial(type, attachType, 0, static_cast<unsigned>(id)));
  if (program.failed()) return {name, program, "load"};
  Fd link(bpf_raw_tracepoint_open(nullptr, program));
  return {name, link.failed() ? int(link) : 0, "attach"};
}

int readNumber(const char* path) {
  FILE* file = fopen(path, "re");
  if (file == nullptr) return -errno;
  int number = -EINVAL;
  if (fscanf(file, "%d", &number) != 1) number = -EINVAL;
  fclose(file);
  return number;
}

// A perf event of this thread with the program on it.
Try tryPerf(const char* name, struct perf_event_attr attr, enum bpf_prog_type type) {
  Fd program(loadTrivial(type, BPF_CGROUP_INET_INGRESS, 0));
  if (program.failed()) return {name, program, "load"};
  attr.size = sizeof attr;
  long opened = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  Fd event(opened < 0 ? -errno : opened);
  if (event.failed()) return {name, event, "perf_event_open"};
  int result = ioctl(event, PERF_EVENT_IOC_SET_BPF, int(program));
  return {name, result < 0 ? -errno : 0, "attach"};
}

Try tryTracepoint() {
  int id = readNumber("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id");
  if (id < 0) id = readNumber("/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id");
  if (id < 0) return {"tracepoint", id, "read its id (is tracefs mounted?)"};
  struct perf_event_attr attr {};
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.config = static_cast<uint64_t>(id);
  return tryPerf("tracepoint", attr, BPF_PROG_TYPE_TRACEPOINT);
}

Try tryKprobe() {
  int type = readNumber("/sys/bus/event_source/devices/kprobe/type");
  if (type < 0) return {"kprobe", type, "find the perf device"};
  struct perf_event_attr attr {};
  attr.type = static_cast<uint32_t>(type);
  attr.kprobe_func = reinterpret_cast<uintptr_t>("vfs_fsync");
  return tryPerf("kprobe", attr, BPF_PROG_TYPE_KPROBE);
}

// The first byte of an ELF file is its header, never code: a breakpoint there hits nobody.
Try tryUprobe() {
  int type = readNumber("/sys/bus/event_source/devices/uprobe/type");
  if (type < 0) return {"uprobe", type, "find the perf device"};
  struct perf_event_attr attr {};
  attr.type = static_cast<uint32_t>(type);
  attr.uprobe_path = reinterpret_cast<uintptr_t>("/proc/self/exe");
  return tryPerf("uprobe", attr, BPF_PROG_TYPE_KPROBE);
}

// The first cgroup v2 mount, or an empty string.
std::string cgroupRoot() {
  std::string root;
  FILE* mounts = fopen("/proc/self/mounts", "re");
  if (mounts == nullptr) return root;
  char device[256], path[4096], kind[64];
  while (fscanf(mounts, "%255s %4095s %63s %*[^\n]", device, path, kind) == 3) {
    if (strcmp(kind, "cgroup2") != 0) continue;
    root = path;
    break;
  }
  fclose(mounts);
  return root;
}

Try tryCgroup(const char* name, enum bpf_prog_type type, enum bpf_attach_type attachType) {
  Fd program(loadTrivial(type, attachType, 1));
  if (program.failed()) return {name, program, "load"};
  std::string root = cgroupRoot();
  if (root.empty()) return {name, -ENOENT, "find a cgroup v2 mount"};
  std::string path = root + "/bpf-loader-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return {name, -errno, "make a cgroup"};
  int error = 0;
  {
    Fd group(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    Fd link(bpf_link_create(program, group, attachType, nullptr));
    if (link.failed()) error = link;
  }
  rmdir(path.c_str());
  return {name, error, "attach"};
}

// On `lo` of this thread's own network namespace.
Try tryTc() {
  Fd program(loadTrivial(BPF_PROG_TYPE_SCHED_CLS, BPF_CGROUP_INET_INGRESS, -1));
  if (program.failed()) return {"tc", program, "load"};
  TcLink link;
  TcTarget target{};
  target.ifindex = static_cast<int>(if_nametoindex("lo"));
  return {"tc", link.attach(program, target), "attach"};
}

Try tryXdp() {
  Fd program(loadTrivial(BPF_PROG_TYPE_XDP, BPF_XDP, 2 /* XDP_PASS */));
  if (program.failed()) return {"xdp", program, "load"};
  Fd link(bpf_link_create(program, static_cast<int>(if_nametoindex("lo")), BPF_XDP, nullptr));
  return {"xdp", link.failed() ? int(link) : 0, "attach"};
}

Try tryRingBuffer() {
  Fd map(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "hs_probe", 0, 0, 4096, nullptr));
  return {"ringbuf", map.failed() ? int(map) : 0, "make the map"};
}

Try tryMmapable() {
  LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
  Fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "hs_probe", 4, 8, 1, &opts));
  if (map.failed()) return {"mmapable_array", map, "make the map"};
  void* pages = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
  if (pages == MAP_FAILED) return {"mmapable_array", -errno, "mmap"};
  munmap(pages, 4096);
  return {"mmapable_array", 0, "mmap"};
}

Try tryBtfFile() {
  return {"btf", access("/sys/kernel/btf/vmlinux", R_OK) == 0 ? 0 : -errno, "read vmlinux"};
}

void tryAll(std::vector<Try>& tries) {
  tries.push_back(tryBtfFile());
  tries.push_back(tryRawTracepoint());
  tries.push_back(tryBtf("tp_btf", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, "sched_process_exit"));
  tries.push_back(tryBtf("fentry", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "vfs_fsync"));
  tries.push_back(tryBtf("fexit", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, "vfs_fsync"));
  tries.push_back(tryBtf("lsm", BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "path_chroot"));
  tries.push_back(tryTracepoint());
  tries.push_back(tryKprobe());
  tries.push_back(tryUprobe());
  tries.push_back(tryCgroup("cgroup_skb", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS));
  tries.push_back(tryCgroup("sockops", BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS));
  tries.push_back(tryRingBuffer());
  tries.push_back(tryMmapable());
  if (unshare(CLONE_NEWNET) != 0) {
    tries.push_back({"tc", -errno, "make a network namespace to try in"});
    tries.push_back({"xdp", -errno, "make a network namespace to try in"});
    return;
  }
  tries.push_back(tryTc());
  tries.push_back(tryXdp());
}

// → [{ name, step, errno (0: works), code }]
Napi::Value features(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  LogCapture silenced;  // installs the hook, so that libbpf prints nothing on the other thread
  std::vector<Try> tries;
  std::thread(tryAll, std::ref(tries)).join();
  Napi::Array rows = Napi::Array::New(env);
  for (const Try& one : tries) {
    const char* code = strerrorname_np(-one.error);
    Napi::Object row = Napi::Object::New(env);
    row.Set("name", one.name);
    row.Set("step", one.step);
    row.Set("errno", -one.error);
    row.Set("code", one.error == -524 ? "ENOTSUPP" : code != nullptr ? code : "?");
    rows[rows.Length()] = row;
  }
  return rows;
}

}  // namespace

void initFeatures(Napi::Object& exports) { add(exports, "features", features); }
