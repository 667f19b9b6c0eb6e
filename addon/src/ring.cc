// Streaming a BPF ring buffer. A thread drains it every few milliseconds and hands over everything
// it found as one ArrayBuffer: waking the loop per event would cost the traced program more than
// the tracing. A batch is: the events' bytes, each on an 8-byte boundary; then their offsets; then
// their lengths (u32 each). When JavaScript lags, the thread stops draining, so memory stays
// bounded and the kernel's ring fills; the BPF program counts what it then cannot reserve.
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include "loop_thread.h"

namespace {

constexpr size_t kBatchBytes = 4u << 20;
constexpr size_t kBatchEvents = 1u << 17;
constexpr size_t kWaitingBatches = 16;
constexpr size_t kFirstBytes = 16u << 10;

struct Batch {
  uint8_t* bytes;
  size_t dataBytes;
  size_t count;
};

class RingReader final : public LoopThread {
 public:
  // isPrompt: the BPF program's wake-ups count, and pollMs is only a bound.
  RingReader(Napi::Env env, const Napi::Function& callback, int mapFd, double pollMs,
             bool isPrompt)
      : LoopThread(env, callback, "bpf-loader ring"), poll_(pollMs), mapFd_(mapFd) {
    ring_ = ring_buffer__new(mapFd, onEvent, this, nullptr);
    if (isPrompt) eventFd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  }
  ~RingReader() override {
    ring_buffer__free(ring_);
    if (eventFd_ >= 0) close(eventFd_);
    free(bytes_);
    for (Batch& batch : waiting_) free(batch.bytes);
  }

  bool isOpen() const { return ring_ != nullptr; }

  // JavaScript has had its turn since the last batch and takes another.
  void next() {
    isBusy_ = false;
    post();
  }

  // Asks for a drain at once; its number is reported when all it found has been delivered.
  double flush() {
    std::lock_guard<std::mutex> guard(lock_);
    flushWanted_++;
    wake();
    return static_cast<double>(flushWanted_);
  }

 protected:
  void run() override {
    uint64_t flushTried = 0;
    while (!stopping()) {
      if (eventFd_ >= 0) waitForProgram();
      {
        std::unique_lock<std::mutex> guard(lock_);
        if (eventFd_ < 0)
          wake_.wait_for(guard, poll_, [&] { return stopping() || flushWanted_ != flushTried; });
        flushTried = flushWanted_;
      }
      if (!drain()) continue;
      std::lock_guard<std::mutex> guard(lock_);
      if (flushDone_ == flushTried) continue;
      flushDone_ = flushTried;
      post();
    }
  }

  void interrupt() override {
    std::lock_guard<std::mutex> guard(lock_);
    wake();
  }

  void deliver(napi_env env, napi_value callback) override {
    if (isBusy_) return;
    Batch batch;
    if (take(batch)) {
      give(env, callback, batch);
      return;
    }
    uint64_t flushed;
    {
      std::lock_guard<std::mutex> guard(lock_);
      // A batch that came meanwhile has posted itself; the flush is told after it.
      if (!waiting_.empty() || flushDone_ == flushTold_) return;
      flushed = flushTold_ = flushDone_;
    }
    napi_value number, nothing;
    if (napi_create_double(env, static_cast<double>(flushed), &number) != napi_ok) return;
    if (napi_get_null(env, &nothing) == napi_ok) call(env, callback, {nothing, number});
  }

 private:
  void wake() {
    uint64_t one = 1;
    wake_.notify_one();
    // Full means that the thread is woken anyway.
    if (eventFd_ >= 0 && write(eventFd_, &one, sizeof one) < 0) return;
  }

  // Until the BPF program has woken the ring's readers, we are wanted otherwise, or pollMs is over.
  void waitForProgram() {
    struct pollfd waited[2] = {{mapFd_, POLLIN, 0}, {eventFd_, POLLIN, 0}};
    uint64_t count;
    poll(waited, 2, static_cast<int>(poll_.count()) + 1);
    if (read(eventFd_, &count, sizeof count) < 0) return;
  }

  bool take(Batch& batch) {
    std::lock_guard<std::mutex> guard(lock_);
    if (waiting_.empty()) return false;
    batch = waiting_.front();
    waiting_.pop_front();
    return true;
  }

  void give(napi_env env, napi_value callback, const Batch& batch) {
    napi_handle_scope scope;
    if (napi_open_handle_scope(env, &scope) != napi_ok) return;
    napi_value buffer, dataBytes, count;
    auto release = [](napi_env, void* bytes, void*) { free(bytes); };
    size_t length = batch.dataBytes + batch.count * 8;
    if (napi_create_external_arraybuffer(env, batch.bytes, length, release, nullptr, &buffer) !=
        napi_ok) {
      free(batch.bytes);
    } else if (napi_create_double(env, static_cast<double>(batch.dataBytes), &dataBytes) ==
                   napi_ok &&
               napi_create_double(env, static_cast<double>(batch.count), &count) == napi_ok) {
      isBusy_ = true;
      call(env, callback, {buffer, dataBytes, count});
    }
    napi_close_handle_scope(env, scope);
  }

  // True when the ring was seen empty, so that all of it is on its way.
  bool drain() {
    for (;;) {
      if (stopping()) return false;
      {
        std::lock_guard<std::mutex> guard(lock_);
        if (waiting_.size() >= kWaitingBatches) return false;
      }
      int result = ring_buffer__consume(ring_);
      handOver();
      if (result != -E2BIG) return true;
    }
  }

  static int onEvent(void* context, void* data, size_t bytes) {
    return static_cast<RingReader*>(context)->append(data, bytes);
  }

  // A negative answer ends this consume() after the event, which is kept.
  int append(const void* data, size_t bytes) {
    size_t padded = (bytes + 7) & ~size_t{7};
    size_t needed = used_ + padded + (offsets_.size() + 1) * 8;
    if (needed > capacity_) {
      capacity_ = std::max(needed, std::max(capacity_ * 2, kFirstBytes));
      bytes_ = static_cast<uint8_t*>(realloc(bytes_, capacity_));
      if (bytes_ == nullptr) abort();
    }
    memcpy(bytes_ + used_, data, bytes);
    memset(bytes_ + used_ + bytes, 0, padded - bytes);
    offsets_.push_back(static_cast<uint32_t>(used_));
    lengths_.push_back(static_cast<uint32_t>(bytes));
    used_ += padded;
    return used_ >= kBatchBytes || offsets_.size() >= kBatchEvents ? -E2BIG : 0;
  }

  void handOver() {
    size_t count = offsets_.size();
    if (count == 0) return;
    memcpy(bytes_ + used_, offsets_.data(), count * 4);
    memcpy(bytes_ + used_ + count * 4, lengths_.data(), count * 4);
    {
      std::lock_guard<std::mutex> guard(lock_);
      waiting_.push_back({bytes_, used_, count});
    }
    bytes_ = nullptr;
    capacity_ = used_ = 0;
    offsets_.clear();
    lengths_.clear();
    post();
  }

  struct ring_buffer* ring_ = nullptr;
  std::chrono::duration<double, std::milli> poll_;
  int mapFd_, eventFd_ = -1;
  std::mutex lock_;  // everything down to flushTold_
  std::condition_variable wake_;
  std::deque<Batch> waiting_;
  uint64_t flushWanted_ = 0, flushDone_ = 0, flushTold_ = 0;
  uint8_t* bytes_ = nullptr;  // the batch being filled: the thread's alone, as are the rest
  size_t used_ = 0, capacity_ = 0;
  std::vector<uint32_t> offsets_, lengths_;
  // One batch a turn of the loop: timers and signals get theirs in between. The loop's alone.
  bool isBusy_ = false;
};

// (map fd, pollMs, isPrompt, callback(ArrayBuffer, dataBytes, count) or callback(null, flush)) →
// handle
Napi::Value ringOpen(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  LogCapture log;
  auto reader = std::make_shared<RingReader>(env, info[3].As<Napi::Function>(),
                                             info[0].As<Napi::Number>(),
                                             info[1].As<Napi::Number>().DoubleValue(),
                                             info[2].As<Napi::Boolean>());
  int error = errno;
  Napi::Value handle = LoopThread::handleOf(env, reader);
  if (!reader->isOpen()) {
    reader->stop();
    fail(env, error, "ring buffer", log.text());
  }
  reader->start();
  return handle;
}

Napi::Value ringFlush(const Napi::CallbackInfo& info) {
  auto reader = std::static_pointer_cast<RingReader>(LoopThread::fromHandle(info[0]));
  return Napi::Number::New(info.Env(), reader->flush());
}

void ringNext(const Napi::CallbackInfo& info) {
  std::static_pointer_cast<RingReader>(LoopThread::fromHandle(info[0]))->next();
}

void threadClose(const Napi::CallbackInfo& info) { LoopThread::fromHandle(info[0])->stop(); }

void threadKeepLoop(const Napi::CallbackInfo& info) {
  LoopThread::fromHandle(info[0])->keepLoop(info[1].As<Napi::Boolean>());
}

}  // namespace

void initRing(Napi::Object& exports) {
  add(exports, "ringOpen", ringOpen);
  add(exports, "ringFlush", ringFlush);
  add(exports, "ringNext", ringNext);
  add(exports, "threadClose", threadClose);
  add(exports, "threadKeepLoop", threadKeepLoop);
}
