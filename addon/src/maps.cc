// Map access by file descriptor. Keys and values are bytes; sizes are checked in JavaScript, which
// also knows that the descriptor is still open. A dump takes the map in batches where the kernel
// can, and key by key where it cannot.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include <algorithm>
#include <vector>

#include "common.h"

namespace {

constexpr uint32_t kFirstBatch = 4096;  // entries; doubled when one hash bucket holds more

// (fd, key, bytes of a value) → Buffer, or null when there is no such key
Napi::Value mapGet(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = info[0].As<Napi::Number>();
  auto value = Napi::Buffer<uint8_t>::New(env, info[2].As<Napi::Number>().Uint32Value());
  int error = bpf_map_lookup_elem(fd, bytesOf(info[1]).data, value.Data());
  if (error == -ENOENT) return env.Null();
  if (error != 0) fail(env, error, "map get");
  return value;
}

// (fd, key, value, flags)
void mapSet(const Napi::CallbackInfo& info) {
  int fd = info[0].As<Napi::Number>();
  uint32_t flags = info[3].As<Napi::Number>();
  int error = bpf_map_update_elem(fd, bytesOf(info[1]).data, bytesOf(info[2]).data, flags);
  if (error != 0) fail(info.Env(), error, "map set");
}

// (fd, key) → whether there was one
Napi::Value mapDelete(const Napi::CallbackInfo& info) {
  int error = bpf_map_delete_elem(info[0].As<Napi::Number>(), bytesOf(info[1]).data);
  if (error != 0 && error != -ENOENT) fail(info.Env(), error, "map delete");
  return Napi::Boolean::New(info.Env(), error == 0);
}

// (fd, keys, values, count): all of them, or throws at the first that does not fit
void mapSetMany(const Napi::CallbackInfo& info) {
  int fd = info[0].As<Napi::Number>();
  Bytes keys = bytesOf(info[1]);
  Bytes values = bytesOf(info[2]);
  uint32_t total = info[3].As<Napi::Number>();
  if (total == 0) return;
  uint32_t count = total;
  LIBBPF_OPTS(bpf_map_batch_opts, opts);
  int error = bpf_map_update_batch(fd, keys.data, values.data, &count, &opts);
  if (error == 0) return;
  if (error != -524 && error != -EINVAL) fail(info.Env(), error, "map setMany");
  for (uint32_t i = 0; i < total; i++) {
    error = bpf_map_update_elem(fd, keys.data + i * (keys.length / total),
                                values.data + i * (values.length / total), BPF_ANY);
    if (error != 0) fail(info.Env(), error, "map setMany");
  }
}

struct Dump {
  std::vector<uint8_t> keys, values;
  size_t count = 0;
};

// 0, or -errno; on an error the caller starts afresh key by key.
int dumpInBatches(int fd, size_t keyBytes, size_t valueBytes, uint32_t maxEntries, Dump& dump) {
  std::vector<uint8_t> from(std::max<size_t>(keyBytes, 8)), next(from.size());
  bool first = true;
  uint32_t batch = std::min(maxEntries, kFirstBatch);
  LIBBPF_OPTS(bpf_map_batch_opts, opts);
  for (;;) {
    dump.keys.resize((dump.count + batch) * keyBytes);
    dump.values.resize((dump.count + batch) * valueBytes);
    uint32_t count = batch;
    int error = bpf_map_lookup_batch(fd, first ? nullptr : from.data(), next.data(),
                                     dump.keys.data() + dump.count * keyBytes,
                                     dump.values.data() + dump.count * valueBytes, &count, &opts);
    if (error == -ENOSPC && batch < (1u << 30)) {
      batch *= 2;
      continue;
    }
    if (error != 0 && error != -ENOENT) return error;
    dump.count += count;
    if (error == -ENOENT) return 0;  // that was the last batch
    from = next;
    first = false;
  }
}

// A key deleted while we stand on it makes the kernel start over: the bound ends that.
int dumpByKey(int fd, size_t keyBytes, size_t valueBytes, uint32_t maxEntries, Dump& dump) {
  std::vector<uint8_t> key(keyBytes), next(keyBytes), value(valueBytes);
  bool first = true;
  for (uint32_t i = 0; i < maxEntries; i++) {
    int error = bpf_map_get_next_key(fd, first ? nullptr : key.data(), next.data());
    if (error == -ENOENT) return 0;
    if (error != 0) return error;
    key = next;
    first = false;
    error = bpf_map_lookup_elem(fd, key.data(), value.data());
    if (error == -ENOENT) continue;
    if (error != 0) return error;
    dump.keys.insert(dump.keys.end(), key.begin(), key.end());
    dump.values.insert(dump.values.end(), value.begin(), value.end());
    dump.count++;
  }
  return 0;
}

// (fd, bytes of a key, bytes of a value, maxEntries) → { count, keys, values }
Napi::Value mapDump(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = info[0].As<Napi::Number>();
  size_t keyBytes = info[1].As<Napi::Number>().Uint32Value();
  size_t valueBytes = info[2].As<Napi::Number>().Uint32Value();
  uint32_t maxEntries = info[3].As<Napi::Number>();
  Dump dump;
  if (dumpInBatches(fd, keyBytes, valueBytes, maxEntries, dump) != 0) {
    dump = Dump();
    int error = dumpByKey(fd, keyBytes, valueBytes, maxEntries, dump);
    if (error != 0) fail(env, error, "map entries");
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("count", static_cast<double>(dump.count));
  result.Set("keys", Napi::Buffer<uint8_t>::Copy(env, dump.keys.data(), dump.count * keyBytes));
  result.Set("values",
             Napi::Buffer<uint8_t>::Copy(env, dump.values.data(), dump.count * valueBytes));
  return result;
}

// (values of a per-CPU map, count, words per value, CPUs) → BigUint64Array of count x words
Napi::Value sumCpus(const Napi::CallbackInfo& info) {
  Bytes values = bytesOf(info[0]);
  size_t count = info[1].As<Napi::Number>().Uint32Value();
  size_t words = info[2].As<Napi::Number>().Uint32Value();
  size_t cpus = info[3].As<Napi::Number>().Uint32Value();
  auto sums = Napi::BigUint64Array::New(info.Env(), count * words);
  std::fill_n(sums.Data(), count * words, 0);
  const uint8_t* from = values.data;
  for (size_t entry = 0; entry < count; entry++) {
    for (size_t word = 0; word < words * cpus; word++, from += 8) {
      uint64_t value;
      memcpy(&value, from, 8);
      sums[entry * words + word % words] = sums[entry * words + word % words] + value;
    }
  }
  return sums;
}

Napi::Value possibleCpus(const Napi::CallbackInfo& info) {
  int count = libbpf_num_possible_cpus();
  if (count < 0) fail(info.Env(), count, "possible CPUs");
  return Napi::Number::New(info.Env(), count);
}

}  // namespace

void initMaps(Napi::Object& exports) {
  add(exports, "mapGet", mapGet);
  add(exports, "mapSet", mapSet);
  add(exports, "mapDelete", mapDelete);
  add(exports, "mapSetMany", mapSetMany);
  add(exports, "mapDump", mapDump);
  add(exports, "sumCpus", sumCpus);
  add(exports, "possibleCpus", possibleCpus);
}
