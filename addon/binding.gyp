# The native half of bpf-loader. libbpf comes from the system (Debian: libbpf-dev). Nothing here may
# pull in OpenSSL: its symbols would interpose on Node's own.
{
  "targets": [
    {
      "target_name": "bpf_loader",
      "sources": [
        "src/addon.cc",
        "src/attach.cc",
        "src/common.cc",
        "src/features.cc",
        "src/loop_thread.cc",
        "src/maps.cc",
        "src/memory.cc",
        "src/net.cc",
        "src/object.cc",
        "src/ring.cc",
        "src/tc.cc",
        "src/waiter.cc"
      ],
      "defines": [
        "NAPI_VERSION=8",
        "NODE_ADDON_API_CPP_EXCEPTIONS",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
        "_GNU_SOURCE"
      ],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17"],
      "cflags_cc": [
        "-std=c++20",
        "-fexceptions",
        "-fvisibility=hidden",
        "-Wall",
        "-Wextra",
        "-Wconversion",
        "-Wno-missing-field-initializers",
        "-isystem",
        "<!(node -p \"require('node-addon-api').include.slice(1, -1)\")"
      ],
      "libraries": ["-lbpf"]
    }
  ]
}
