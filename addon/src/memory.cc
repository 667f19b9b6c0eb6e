// Shared memory: memfds, and mappings of any descriptor as ArrayBuffers over the real pages.
// The rule: pages are unmapped only when neither JavaScript (registry) nor a waiter has them; an
// explicit unmap detaches the ArrayBuffer first, so no view can reach pages that are gone.
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"

namespace {

// What an ArrayBuffer's finalizer needs. The mapping may be gone, and its address in use again.
struct Tie {
  std::shared_ptr<MappingTable> table;
  std::weak_ptr<Mapping> mapping;
};

void onCollected(Napi::Env, void*, Tie* tie) {
  if (auto mapping = tie->mapping.lock()) {
    auto entry = tie->table->find(mapping->base);
    if (entry != tie->table->end() && entry->second == mapping) tie->table->erase(entry);
  }
  delete tie;
}

// (name, bytes, inheritable) → fd. Sealed against shrinking: a mapping can then never fault.
Napi::Value memoryCreate(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string name = info[0].As<Napi::String>();
  off_t bytes = info[1].As<Napi::Number>().Int64Value();
  bool inheritable = info[2].As<Napi::Boolean>();
  int fd = memfd_create(name.c_str(), MFD_ALLOW_SEALING | (inheritable ? 0u : MFD_CLOEXEC));
  if (fd < 0) fail(env, errno, "memfd_create");
  if (ftruncate(fd, bytes) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
    int error = errno;
    close(fd);
    fail(env, error, "size of shared memory");
  }
  return Napi::Number::New(env, fd);
}

uint8_t* mapOnce(int fd, off_t offset, size_t length) {
  return static_cast<uint8_t*>(
      mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset));
}

// The same range twice in a row, over a reservation so that nothing else can get in between.
uint8_t* mapDoubled(int fd, off_t offset, size_t length) {
  void* reserved = mmap(nullptr, length * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (reserved == MAP_FAILED) return static_cast<uint8_t*>(MAP_FAILED);
  auto* base = static_cast<uint8_t*>(reserved);
  for (int half = 0; half < 2; half++) {
    void* wanted = base + static_cast<size_t>(half) * length;
    void* got = mmap(wanted, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset);
    if (got == MAP_FAILED) {
      int error = errno;
      munmap(base, length * 2);
      errno = error;
      return static_cast<uint8_t*>(MAP_FAILED);
    }
  }
  return base;
}

// (fd, offset, length, doubled) → ArrayBuffer of length, or twice that
Napi::Value memoryMap(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = info[0].As<Napi::Number>();
  off_t offset = info[1].As<Napi::Number>().Int64Value();
  size_t length = static_cast<size_t>(info[2].As<Napi::Number>().Int64Value());
  bool doubled = info[3].As<Napi::Boolean>();
  struct stat status {};
  if (fstat(fd, &status) != 0) fail(env, errno, "mapMemory");
  // Behind the end of a file pages exist only to raise SIGBUS.
  if (S_ISREG(status.st_mode) && offset + static_cast<off_t>(length) > status.st_size) {
    fail(env, ERANGE, "mapMemory: the range ends behind the memory's end");
  }
  uint8_t* base = doubled ? mapDoubled(fd, offset, length) : mapOnce(fd, offset, length);
  if (base == MAP_FAILED) fail(env, errno, "mmap");
  size_t total = doubled ? length * 2 : length;
  auto mapping = std::make_shared<Mapping>(base, total);
  auto& table = env.GetInstanceData<Addon>()->mappings;
  auto* tie = new Tie{table, mapping};
  auto buffer = Napi::ArrayBuffer::New(env, base, total, onCollected, tie);
  (*table)[base] = mapping;
  return buffer;
}

// (ArrayBuffer) → whether it was a mapping of this environment
Napi::Value memoryUnmap(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto buffer = info[0].As<Napi::ArrayBuffer>();
  auto& table = *env.GetInstanceData<Addon>()->mappings;
  auto entry = table.find(buffer.Data());
  if (entry == table.end()) return Napi::Boolean::New(env, false);
  buffer.Detach();
  table.erase(entry);
  return Napi::Boolean::New(env, true);
}

void fdClose(const Napi::CallbackInfo& info) {
  if (close(info[0].As<Napi::Number>()) != 0) fail(info.Env(), errno, "close");
}

}  // namespace

void initMemory(Napi::Object& exports) {
  add(exports, "memoryCreate", memoryCreate);
  add(exports, "memoryMap", memoryMap);
  add(exports, "memoryUnmap", memoryUnmap);
  add(exports, "fdClose", fdClose);
}
