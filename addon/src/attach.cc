// Attaching programs. One native function per shape of target; which one a program needs follows
// from its section name and is decided in JavaScript. A link is a handle that can be closed once.
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "object.h"
#include "tc.h"

namespace {

struct Link {
  struct bpf_link* link = nullptr;
  TcLink tc;

  ~Link() { close(); }
  int close() {
    int error = bpf_link__destroy(link);  // takes a null pointer
    link = nullptr;
    int tcError = tc.close();
    return error != 0 ? error : tcError;
  }
};

Napi::Value handleOf(Napi::Env env, std::unique_ptr<Link> link) {
  return Napi::External<Link>::New(env, link.release(),
                                   [](Napi::Env, Link* link) { delete link; });
}

Napi::Value wrap(Napi::Env env, struct bpf_link* made, const LogCapture& log) {
  if (made == nullptr) fail(env, errno, "attach", log.text());
  auto link = std::make_unique<Link>();
  link->link = made;
  return handleOf(env, std::move(link));
}

// (object, program): the section name says it all.
Napi::Value attachAuto(const Napi::CallbackInfo& info) {
  struct bpf_program* program = programOf(info.Env(), info[0], info[1]);
  LogCapture log;
  return wrap(info.Env(), bpf_program__attach(program), log);
}

// (object, program, isReturn, pid, binary, offset, symbol or undefined)
Napi::Value attachUprobe(const Napi::CallbackInfo& info) {
  struct bpf_program* program = programOf(info.Env(), info[0], info[1]);
  bool isReturn = info[2].As<Napi::Boolean>();
  pid_t pid = info[3].As<Napi::Number>().Int32Value();
  std::string binary = info[4].As<Napi::String>();
  size_t offset = static_cast<size_t>(info[5].As<Napi::Number>().Int64Value());
  std::string symbol = info[6].IsString() ? info[6].As<Napi::String>() : std::string();
  LIBBPF_OPTS(bpf_uprobe_opts, opts, .retprobe = isReturn,
              .func_name = symbol.empty() ? nullptr : symbol.c_str());
  LogCapture log;
  return wrap(info.Env(),
              bpf_program__attach_uprobe_opts(program, pid, binary.c_str(), offset, &opts), log);
}

// (object, program, ifindex)
Napi::Value attachXdp(const Napi::CallbackInfo& info) {
  struct bpf_program* program = programOf(info.Env(), info[0], info[1]);
  LogCapture log;
  return wrap(info.Env(), bpf_program__attach_xdp(program, info[2].As<Napi::Number>()), log);
}

// (object, program, path of a cgroup v2 directory)
Napi::Value attachCgroup(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  struct bpf_program* program = programOf(env, info[0], info[1]);
  std::string path = info[2].As<Napi::String>();
  int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail(env, errno, "open " + path);
  LogCapture log;
  struct bpf_link* link = bpf_program__attach_cgroup(program, fd);
  int error = errno;
  close(fd);
  errno = error;
  return wrap(env, link, log);
}

// (object, program, ifindex, isEgress, priority, handle, replace)
Napi::Value attachTc(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  struct bpf_program* program = programOf(env, info[0], info[1]);
  TcTarget target{};
  target.ifindex = info[2].As<Napi::Number>();
  target.egress = info[3].As<Napi::Boolean>();
  target.priority = info[4].As<Napi::Number>();
  target.handle = info[5].As<Napi::Number>();
  target.replace = info[6].As<Napi::Boolean>();
  auto link = std::make_unique<Link>();
  LogCapture log;
  int error = link->tc.attach(bpf_program__fd(program), target);
  if (error != 0) fail(env, error, "attach", log.text());
  return handleOf(env, std::move(link));
}

void linkClose(const Napi::CallbackInfo& info) {
  LogCapture log;
  int error = info[0].As<Napi::External<Link>>().Data()->close();
  if (error != 0) fail(info.Env(), error, "detach", log.text());
}

// (link of an iterator): walks all it goes over, on this thread, and discards what it prints.
void linkWalk(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  struct bpf_link* link = info[0].As<Napi::External<Link>>().Data()->link;
  int fd = link == nullptr ? -EINVAL : bpf_iter_create(bpf_link__fd(link));
  if (fd < 0) fail(env, -fd, "iterate");
  char discarded[4096];
  ssize_t got;
  do {
    got = read(fd, discarded, sizeof discarded);
  } while (got > 0 || (got < 0 && errno == EINTR));
  int error = errno;
  close(fd);
  if (got < 0) fail(env, error, "iterate");
}

}  // namespace

void initAttach(Napi::Object& exports) {
  add(exports, "attachAuto", attachAuto);
  add(exports, "attachUprobe", attachUprobe);
  add(exports, "attachXdp", attachXdp);
  add(exports, "attachCgroup", attachCgroup);
  add(exports, "attachTc", attachTc);
  add(exports, "linkClose", linkClose);
  add(exports, "linkWalk", linkWalk);
}
