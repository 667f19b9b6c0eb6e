// Opening, describing, setting up and loading a BPF object. Nothing is decided here: what to skip,
// how large a map is and what its first contents are comes from JavaScript, checked there.
#include "object.h"

#include <bpf/bpf.h>
#include <errno.h>

namespace {

Napi::Value objectOpen(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Bytes elf = bytesOf(info[0]);
  std::string name = info[1].As<Napi::String>();
  auto object = std::make_unique<BpfObject>();
  object->elf.assign(elf.data, elf.data + elf.length);
  LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = name.c_str());
  LogCapture log;
  object->object = bpf_object__open_mem(object->elf.data(), object->elf.size(), &opts);
  if (object->object == nullptr) fail(env, errno, "open", log.text());
  return Napi::External<BpfObject>::New(env, object.release(),
                                        [](Napi::Env, BpfObject* object) { delete object; });
}

Napi::Object describeMap(Napi::Env env, struct bpf_map* map) {
  Napi::Object row = Napi::Object::New(env);
  row.Set("name", bpf_map__name(map));
  row.Set("type", static_cast<uint32_t>(bpf_map__type(map)));
  row.Set("keySize", bpf_map__key_size(map));
  row.Set("valueSize", bpf_map__value_size(map));
  row.Set("maxEntries", bpf_map__max_entries(map));
  row.Set("flags", bpf_map__map_flags(map));
  row.Set("fd", bpf_map__fd(map));
  return row;
}

Napi::Value objectDescribe(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  struct bpf_object* object = objectOf(info[0]).object;
  Napi::Array programs = Napi::Array::New(env);
  struct bpf_program* program;
  bpf_object__for_each_program(program, object) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("name", bpf_program__name(program));
    row.Set("section", bpf_program__section_name(program));
    row.Set("fd", bpf_program__fd(program));
    programs[programs.Length()] = row;
  }
  Napi::Array maps = Napi::Array::New(env);
  struct bpf_map* map;
  bpf_object__for_each_map(map, object) { maps[maps.Length()] = describeMap(env, map); }
  Napi::Object both = Napi::Object::New(env);
  both.Set("programs", programs);
  both.Set("maps", maps);
  return both;
}

void programSkip(const Napi::CallbackInfo& info) {
  struct bpf_program* program = programOf(info.Env(), info[0], info[1]);
  int error = bpf_program__set_autoload(program, false);
  if (error != 0) fail(info.Env(), error, "skip");
}

struct bpf_map* mapOf(const Napi::CallbackInfo& info) {
  std::string name = info[1].As<Napi::String>();
  struct bpf_map* map = bpf_object__find_map_by_name(objectOf(info[0]).object, name.c_str());
  if (map == nullptr) fail(info.Env(), ENOENT, "map " + name);
  return map;
}

void mapResize(const Napi::CallbackInfo& info) {
  int error = bpf_map__set_max_entries(mapOf(info), info[2].As<Napi::Number>());
  if (error != 0) fail(info.Env(), error, "setMaxEntries");
}

void mapSetInitial(const Napi::CallbackInfo& info) {
  Bytes bytes = bytesOf(info[2]);
  int error = bpf_map__set_initial_value(mapOf(info), bytes.data, bytes.length);
  if (error != 0) fail(info.Env(), error, "setInitialValue");
}

Napi::Value mapInitial(const Napi::CallbackInfo& info) {
  size_t length = 0;
  const void* data = bpf_map__initial_value(mapOf(info), &length);
  if (data == nullptr) fail(info.Env(), EINVAL, "initialValue");
  return Napi::Buffer<uint8_t>::Copy(info.Env(), static_cast<const uint8_t*>(data), length);
}

void objectLoad(const Napi::CallbackInfo& info) {
  LogCapture log;
  int error = bpf_object__load(objectOf(info[0]).object);
  if (error != 0) fail(info.Env(), error, "load", log.text());
}

// (object) → one { name, runs, runNs, missed } per loaded program.
Napi::Value objectStatistics(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Array rows = Napi::Array::New(env);
  struct bpf_program* program;
  bpf_object__for_each_program(program, objectOf(info[0]).object) {
    int fd = bpf_program__fd(program);
    if (fd < 0) continue;
    struct bpf_prog_info known = {};
    uint32_t length = sizeof known;
    int error = bpf_obj_get_info_by_fd(fd, &known, &length);
    if (error != 0) fail(env, error, "statistics");
    Napi::Object row = Napi::Object::New(env);
    row.Set("name", bpf_program__name(program));
    row.Set("runs", static_cast<double>(known.run_cnt));
    row.Set("runNs", static_cast<double>(known.run_time_ns));
    row.Set("missed", static_cast<double>(known.recursion_misses));
    rows[rows.Length()] = row;
  }
  return rows;
}

// () → a descriptor: while it is open the kernel measures the run time of every program.
Napi::Value measureOpen(const Napi::CallbackInfo& info) {
  int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
  if (fd < 0) fail(info.Env(), -fd, "measure run times");
  return Napi::Number::New(info.Env(), fd);
}

void objectClose(const Napi::CallbackInfo& info) { objectOf(info[0]).close(); }

}  // namespace

BpfObject& objectOf(const Napi::Value& handle) {
  return *handle.As<Napi::External<BpfObject>>().Data();
}

struct bpf_program* programOf(Napi::Env env, const Napi::Value& handle, const Napi::Value& value) {
  std::string name = value.As<Napi::String>();
  struct bpf_program* program =
      bpf_object__find_program_by_name(objectOf(handle).object, name.c_str());
  if (program == nullptr) fail(env, ENOENT, "program " + name);
  return program;
}

void initObject(Napi::Object& exports) {
  add(exports, "objectOpen", objectOpen);
  add(exports, "objectDescribe", objectDescribe);
  add(exports, "objectLoad", objectLoad);
  add(exports, "objectClose", objectClose);
  add(exports, "objectStatistics", objectStatistics);
  add(exports, "measureOpen", measureOpen);
  add(exports, "programSkip", programSkip);
  add(exports, "mapResize", mapResize);
  add(exports, "mapSetInitial", mapSetInitial);
  add(exports, "mapInitial", mapInitial);
}
