// A BPF object and its lifetime. The ELF bytes are kept as long as libbpf may look at them.
#pragma once

#include <bpf/libbpf.h>

#include <vector>

#include "common.h"

struct BpfObject {
  std::vector<uint8_t> elf;
  struct bpf_object* object = nullptr;

  ~BpfObject() { close(); }
  void close() {
    bpf_object__close(object);  // takes a null pointer
    object = nullptr;
  }
};

// The object behind a handle made by objectOpen.
BpfObject& objectOf(const Napi::Value& handle);

// The program of that name; throws ENOENT.
struct bpf_program* programOf(Napi::Env env, const Napi::Value& handle, const Napi::Value& name);
