/* refused.bpf.c: a program the verifier must refuse: it follows a pointer it did not check. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} numbers SEC(".maps");

SEC("raw_tp/sys_enter")
int hst_refused(void *context) {
  __u32 zero = 0;
  __u64 *number = bpf_map_lookup_elem(&numbers, &zero);
  return (int)*number;
}

char _license[] SEC("license") = "GPL";
