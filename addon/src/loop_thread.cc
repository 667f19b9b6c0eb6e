// See loop_thread.h. Environment clean-up hooks run last in, first out: ours is added after the
// thread-safe function was made, so the thread is joined while that function still exists.
#include "loop_thread.h"

#include <signal.h>

LoopThread::LoopThread(Napi::Env env, const Napi::Function& callback, const char* name)
    : env_(env) {
  napi_status status =
      napi_create_threadsafe_function(env, callback, nullptr, Napi::String::New(env, name), 0, 1,
                                      nullptr, nullptr, this, onLoop, &toLoop_);
  if (status != napi_ok) throw Napi::Error::New(env, "cannot reach the event loop");
}

void LoopThread::start() {
  napi_add_env_cleanup_hook(env_, onEnvironmentEnd, this);
  // Signals are for Node's threads: none of ours may be chosen to run a handler.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void LoopThread::join() {
  stopping_.store(true, std::memory_order_release);
  if (!thread_.joinable()) return;
  interrupt();
  thread_.join();
}

void LoopThread::stop() {
  if (toLoop_ == nullptr) return;
  bool started = thread_.joinable();
  join();
  if (started) napi_remove_env_cleanup_hook(env_, onEnvironmentEnd, this);
  napi_release_threadsafe_function(toLoop_, napi_tsfn_abort);
  toLoop_ = nullptr;
}

void LoopThread::onEnvironmentEnd(void* self) {
  auto* thread = static_cast<LoopThread*>(self);
  thread->join();
  thread->toLoop_ = nullptr;  // its own hook, which runs next, frees it
}

void LoopThread::keepLoop(bool keep) {
  if (toLoop_ == nullptr) return;
  if (keep) {
    napi_ref_threadsafe_function(env_, toLoop_);
  } else {
    napi_unref_threadsafe_function(env_, toLoop_);
  }
}

void LoopThread::post() {
  if (posted_.exchange(true, std::memory_order_acq_rel)) return;
  napi_call_threadsafe_function(toLoop_, nullptr, napi_tsfn_nonblocking);
}

void LoopThread::onLoop(napi_env env, napi_value callback, void* context, void*) {
  if (env == nullptr) return;  // being emptied at its end: `context` may be gone
  auto self = static_cast<LoopThread*>(context)->shared_from_this();
  self->posted_.store(false, std::memory_order_release);
  if (self->stopping()) return;
  self->deliver(env, callback);
}

bool LoopThread::call(napi_env env, napi_value callback,
                      std::initializer_list<napi_value> arguments) {
  napi_value global;
  if (napi_get_global(env, &global) != napi_ok) return false;
  napi_status status = napi_call_function(env, global, callback, arguments.size(),
                                          arguments.begin(), nullptr);
  if (status == napi_ok) return true;
  napi_value error;
  if (status == napi_pending_exception &&
      napi_get_and_clear_last_exception(env, &error) == napi_ok) {
    napi_fatal_exception(env, error);  // does nothing when the environment is ending
  }
  if (!stopping()) post();  // what is left undelivered, if somebody caught that
  return false;
}

using Shared = std::shared_ptr<LoopThread>;

Napi::Value LoopThread::handleOf(Napi::Env env, Shared thread) {
  return Napi::External<Shared>::New(env, new Shared(std::move(thread)),
                                     [](Napi::Env, Shared* held) {
                                       (*held)->stop();
                                       delete held;
                                     });
}

Shared LoopThread::fromHandle(const Napi::Value& handle) {
  return *handle.As<Napi::External<Shared>>().Data();
}
