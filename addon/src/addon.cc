// The addon's entry. Context-aware: each environment that requires it gets its own Addon, so it
// works in worker threads and a worker may end at any time.
#include "common.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Addon());
  initObject(exports);
  initAttach(exports);
  initMaps(exports);
  initRing(exports);
  initFeatures(exports);
  initMemory(exports);
  initWaiter(exports);
  initNet(exports);
  return exports;
}

NODE_API_MODULE(bpf_loader, Init)
