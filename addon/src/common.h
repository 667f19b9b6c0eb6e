// What every native file of bpf-loader shares: failing with errno, catching libbpf's messages, and
// the state one environment (main thread or worker) owns.
// The rule: nothing here is global but the libbpf print hook; each environment has its own Addon.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

// One mapping of shared memory. Unmapped when its last owner lets go: the registry, or a waiter
// that still reads a word of it.
struct Mapping {
  uint8_t* base;
  size_t bytes;

  Mapping(uint8_t* at, size_t length) : base(at), bytes(length) {}
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
};

// Mappings by first address. Shared with the ArrayBuffers' finalizers, which may run after the
// environment's instance data is gone.
using MappingTable = std::unordered_map<void*, std::shared_ptr<Mapping>>;

struct Addon {
  std::shared_ptr<MappingTable> mappings = std::make_shared<MappingTable>();
};

// Throws a JavaScript Error with `errno`, `code` (its name) and, when there is one, `log`.
[[noreturn]] void fail(Napi::Env env, int errnum, const std::string& what,
                       const std::string& log = "");

// Collects what libbpf prints on this thread while it lives. Without one, libbpf is silent.
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string* outer_;
};

// The bytes of a Buffer, Uint8Array or other typed array; no copy.
struct Bytes {
  uint8_t* data;
  size_t length;
};
Bytes bytesOf(const Napi::Value& value);

// A plain function under a plain name: all the addon exports.
template <typename F>
void add(Napi::Object& exports, const char* name, F function) {
  exports.Set(name, Napi::Function::New(exports.Env(), function, name));
}

void initObject(Napi::Object& exports);
void initAttach(Napi::Object& exports);
void initMaps(Napi::Object& exports);
void initRing(Napi::Object& exports);
void initFeatures(Napi::Object& exports);
void initMemory(Napi::Object& exports);
void initWaiter(Napi::Object& exports);
void initNet(Napi::Object& exports);
