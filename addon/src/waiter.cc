// Futexes in shared memory. Waking is one system call. Waiting is a thread's work: it sleeps on the
// word and on its own control word at once (futex_waitv), so it can be re-armed or ended at any
// moment without polling and without losing a wake-up.
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>
#include <mutex>

#include "loop_thread.h"

namespace {

constexpr int64_t kForever = -1;

int64_t nowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000ll + now.tv_nsec;
}

class FutexWaiter final : public LoopThread {
 public:
  FutexWaiter(Napi::Env env, const Napi::Function& callback, std::shared_ptr<Mapping> mapping,
              size_t offset)
      : LoopThread(env, callback, "bpf-loader futex"),
        mapping_(std::move(mapping)),
        word_(reinterpret_cast<uint32_t*>(mapping_->base + offset)) {}

  void arm(uint32_t expected, int64_t deadlineNs) { ask({true, expected, deadlineNs, 0}); }
  void disarm() { ask({false, 0, kForever, 0}); }

 protected:
  struct Request {
    bool armed;
    uint32_t expected;
    int64_t deadlineNs;  // CLOCK_MONOTONIC, or kForever
    uint64_t generation;
  };
  enum Outcome { kWoken = 0, kTimedOut = 1, kAskedAnew = 2 };

  void run() override {
    for (;;) {
      // Read before the request: an ask() in between changes it and the sleep below returns.
      uint32_t control = control_.load(std::memory_order_acquire);
      if (stopping()) return;
      Request request = current();
      if (!request.armed) {
        syscall(SYS_futex, &control_, FUTEX_WAIT_PRIVATE, control, nullptr, nullptr, 0);
        continue;
      }
      Outcome outcome = waitFor(request, control);
      if (outcome == kAskedAnew) continue;
      std::lock_guard<std::mutex> guard(lock_);
      if (request_.generation != request.generation) continue;
      request_.armed = false;
      fired_ = true;
      outcome_ = outcome;
      post();
    }
  }

  void interrupt() override { changeControl(); }

  void deliver(napi_env env, napi_value callback) override {
    Outcome outcome;
    {
      std::lock_guard<std::mutex> guard(lock_);
      if (!fired_) return;  // armed anew or disarmed meanwhile
      fired_ = false;
      outcome = outcome_;
    }
    napi_value timedOut;
    if (napi_get_boolean(env, outcome == kTimedOut, &timedOut) == napi_ok) {
      call(env, callback, {timedOut});
    }
  }

 private:
  Request current() {
    std::lock_guard<std::mutex> guard(lock_);
    return request_;
  }

  void ask(Request request) {
    {
      std::lock_guard<std::mutex> guard(lock_);
      request.generation = request_.generation + 1;
      request_ = request;
      fired_ = false;
    }
    changeControl();
  }

  void changeControl() {
    control_.fetch_add(1, std::memory_order_release);
    syscall(SYS_futex, &control_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  }

  Outcome waitFor(const Request& request, uint32_t control) {
    struct futex_waitv words[2] = {};
    words[0].val = request.expected;
    words[0].uaddr = reinterpret_cast<uintptr_t>(word_);
    words[0].flags = FUTEX_32;  // shared between processes
    words[1].val = control;
    words[1].uaddr = reinterpret_cast<uintptr_t>(&control_);
    words[1].flags = FUTEX_32 | FUTEX_PRIVATE_FLAG;
    timespec deadline{};
    bool bounded = request.deadlineNs != kForever;
    if (bounded) {
      deadline.tv_sec = request.deadlineNs / 1000000000;
      deadline.tv_nsec = request.deadlineNs % 1000000000;
    }
    for (;;) {
      if (__atomic_load_n(word_, __ATOMIC_ACQUIRE) != request.expected) return kWoken;
      if (control_.load(std::memory_order_acquire) != control) return kAskedAnew;
      long woken = syscall(SYS_futex_waitv, words, 2, 0, bounded ? &deadline : nullptr,
                           CLOCK_MONOTONIC);
      if (woken == 0) return kWoken;
      if (woken == 1) return kAskedAnew;
      if (errno == ETIMEDOUT) return kTimedOut;
      // EAGAIN: one of the words has changed already, which the loop finds; EINTR: once more.
    }
  }

  std::shared_ptr<Mapping> mapping_;
  uint32_t* word_;
  std::atomic<uint32_t> control_{0};
  std::mutex lock_;  // the rest
  Request request_{false, 0, kForever, 0};
  bool fired_ = false;
  Outcome outcome_ = kWoken;
};

// (ArrayBuffer, byteOffset, count) → number woken
Napi::Value futexWake(const Napi::CallbackInfo& info) {
  auto* base = static_cast<uint8_t*>(info[0].As<Napi::ArrayBuffer>().Data());
  uint8_t* word = base + info[1].As<Napi::Number>().Int64Value();
  int count = info[2].As<Napi::Number>();
  long woken = syscall(SYS_futex, word, FUTEX_WAKE, count, nullptr, nullptr, 0);
  if (woken < 0) fail(info.Env(), errno, "futex wake");
  return Napi::Number::New(info.Env(), static_cast<double>(woken));
}

// (ArrayBuffer of memoryMap, byteOffset, callback(timedOut)) → handle
Napi::Value waiterOpen(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto& table = *env.GetInstanceData<Addon>()->mappings;
  auto entry = table.find(info[0].As<Napi::ArrayBuffer>().Data());
  if (entry == table.end()) fail(env, EINVAL, "FutexWaiter: not memory from mapMemory");
  if (syscall(SYS_futex_waitv, nullptr, 0, 0, nullptr, CLOCK_MONOTONIC) < 0 && errno == ENOSYS) {
    fail(env, ENOSYS, "FutexWaiter: futex_waitv (Linux 5.16)");
  }
  auto waiter = std::make_shared<FutexWaiter>(
      env, info[2].As<Napi::Function>(), entry->second,
      static_cast<size_t>(info[1].As<Napi::Number>().Int64Value()));
  Napi::Value handle = LoopThread::handleOf(env, waiter);
  waiter->start();
  return handle;
}

FutexWaiter& waiterOf(const Napi::Value& handle) {
  return static_cast<FutexWaiter&>(*LoopThread::fromHandle(handle));
}

// (handle, expected, timeoutMs or a negative number for none)
void waiterArm(const Napi::CallbackInfo& info) {
  double timeoutMs = info[2].As<Napi::Number>();
  int64_t deadlineNs = timeoutMs < 0 ? kForever : nowNs() + static_cast<int64_t>(timeoutMs * 1e6);
  waiterOf(info[0]).arm(info[1].As<Napi::Number>().Uint32Value(), deadlineNs);
}

void waiterDisarm(const Napi::CallbackInfo& info) { waiterOf(info[0]).disarm(); }

}  // namespace

void initWaiter(Napi::Object& exports) {
  add(exports, "futexWake", futexWake);
  add(exports, "waiterOpen", waiterOpen);
  add(exports, "waiterArm", waiterArm);
  add(exports, "waiterDisarm", waiterDisarm);
}
