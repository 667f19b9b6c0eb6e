// Errors, libbpf's messages, byte views. libbpf has one print hook per process, and workers call it
// at the same time, so the hook writes to whatever the calling thread is collecting.
#include "common.h"

#include <bpf/libbpf.h>
#include <string.h>
#include <sys/mman.h>

#include <cstdarg>
#include <cstdio>
#include <mutex>

namespace {

thread_local std::string* collecting = nullptr;

int printHook(enum libbpf_print_level level, const char* format, va_list args) {
  if (collecting == nullptr || level != LIBBPF_WARN) return 0;
  va_list again;
  va_copy(again, args);
  int length = vsnprintf(nullptr, 0, format, args);
  if (length > 0) {
    size_t before = collecting->size();
    collecting->resize(before + static_cast<size_t>(length) + 1);
    vsnprintf(collecting->data() + before, static_cast<size_t>(length) + 1, format, again);
    collecting->resize(before + static_cast<size_t>(length));
  }
  va_end(again);
  return length;
}

}  // namespace

Mapping::~Mapping() { munmap(base, bytes); }

void fail(Napi::Env env, int errnum, const std::string& what, const std::string& log) {
  if (errnum < 0) errnum = -errnum;
  const char* name = strerrorname_np(errnum);
  const char* words = strerrordesc_np(errnum);
  // ENOTSUPP is the kernel's own and libc does not know it; libbpf's codes start at 4000.
  std::string code = name != nullptr ? name : errnum == 524 ? "ENOTSUPP" : std::to_string(errnum);
  std::string sentence = words != nullptr ? words : "Operation not supported by this kernel";
  Napi::Error error = Napi::Error::New(env, what + ": " + sentence);
  error.Set("errno", Napi::Number::New(env, errnum));
  error.Set("code", Napi::String::New(env, code));
  if (!log.empty()) error.Set("log", Napi::String::New(env, log));
  throw error;
}

LogCapture::LogCapture() : outer_(collecting) {
  static std::once_flag once;
  std::call_once(once, [] { libbpf_set_print(printHook); });
  collecting = &text_;
}

LogCapture::~LogCapture() { collecting = outer_; }

Bytes bytesOf(const Napi::Value& value) {
  Napi::TypedArray array = value.As<Napi::TypedArray>();
  uint8_t* base = static_cast<uint8_t*>(array.ArrayBuffer().Data());
  return {base + array.ByteOffset(), array.ByteLength()};
}
