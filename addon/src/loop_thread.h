// A native thread that has something to tell one event loop: its life, and the way to the loop.
// The rules: the thread never touches JavaScript; deliver() runs on the loop of the environment
// that made it; when that environment ends, the thread is joined before anything it uses goes.
#pragma once

#include <atomic>
#include <initializer_list>
#include <memory>
#include <thread>

#include "common.h"

class LoopThread : public std::enable_shared_from_this<LoopThread> {
 public:
  LoopThread(Napi::Env env, const Napi::Function& callback, const char* name);
  virtual ~LoopThread() = default;  // every owner calls stop() first
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  void start();
  void stop();               // on the loop; joins the thread; may be repeated
  void keepLoop(bool keep);  // whether the thread alone keeps the loop alive

  // A handle for JavaScript; collecting it stops the thread.
  static Napi::Value handleOf(Napi::Env env, std::shared_ptr<LoopThread> thread);
  static std::shared_ptr<LoopThread> fromHandle(const Napi::Value& handle);

 protected:
  virtual void run() = 0;        // the thread's whole work; returns soon once stopping() is true
  virtual void interrupt() = 0;  // makes run() look at stopping()
  virtual void deliver(napi_env env, napi_value callback) = 0;
  // Calls it; a callback that throws is an uncaught exception, as of any event emitter. False when
  // it did, or when the environment is ending and can run nothing more: deliver() then returns.
  // Node-API itself, since node-addon-api's errors abort in an environment that is ending.
  bool call(napi_env env, napi_value callback, std::initializer_list<napi_value> arguments);
  void post();                   // from the thread: have deliver() called; calls may be merged
  bool stopping() const { return stopping_.load(std::memory_order_acquire); }

 private:
  static void onLoop(napi_env env, napi_value callback, void* context, void* data);
  static void onEnvironmentEnd(void* self);
  void join();

  napi_env env_;
  napi_threadsafe_function toLoop_ = nullptr;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> posted_{false};
};
