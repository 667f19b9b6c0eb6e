/* probe.bpf.c: small programs for the tests of bpf-loader: counting and streaming the system calls
 * of the processes in `pids`, and one program for each other way of attaching. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define WRITE 1 /* x86-64 */

struct event {
  __u64 number; /* of this CPU, from 0 */
  __u32 cpu;
  __u32 pid;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, __u32);
} pids SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 512);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, 64);
  __type(key, __u64);
  __type(value, __u64[2]);
} by_key SEC(".maps");

/* sent, lost */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64[2]);
} totals SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1000);
  __type(key, __u32);
  __type(value, __u64);
} shared SEC(".maps");

/* Set before load(): the system call that `hst_stream` streams. */
const volatile __u32 streamed = 0xffffffff;

static int is_ours(void) {
  __u32 pid = bpf_get_current_pid_tgid() >> 32;
  return bpf_map_lookup_elem(&pids, &pid) != 0;
}

SEC("raw_tp/sys_enter")
int hst_count(struct bpf_raw_tracepoint_args *context) {
  __u32 number = (__u32)context->args[1];
  if (!is_ours()) return 0;
  __u64 *sum = bpf_map_lookup_elem(&counts, &number);
  if (sum) (*sum)++;
  return 0;
}

SEC("raw_tp/sys_enter")
int hst_stream(struct bpf_raw_tracepoint_args *context) {
  __u32 zero = 0;
  if ((__u32)context->args[1] != streamed || !is_ours()) return 0;
  __u64 *total = bpf_map_lookup_elem(&totals, &zero);
  if (!total) return 0;
  struct event *event = bpf_ringbuf_reserve(&events, sizeof *event, 0);
  if (!event) {
    total[1]++;
    return 0;
  }
  event->number = total[0]++;
  event->cpu = bpf_get_smp_processor_id();
  event->pid = bpf_get_current_pid_tgid() >> 32;
  bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
  return 0;
}

static int add_to(__u32 index) {
  __u64 *sum = bpf_map_lookup_elem(&shared, &index);
  if (sum) __sync_fetch_and_add(sum, 1);
  return 0;
}

SEC("tp_btf/sched_process_exit")
int hst_exit(void *context) { return is_ours() ? add_to(0) : 0; }

SEC("tracepoint/raw_syscalls/sys_enter")
int hst_tracepoint(void *context) { return is_ours() ? add_to(1) : 0; }

SEC("uprobe")
int hst_uprobe(void *context) { return add_to(2); }

SEC("uretprobe")
int hst_uretprobe(void *context) { return add_to(3); }

SEC("cgroup_skb/egress")
int hst_cgroup(struct __sk_buff *packet) {
  add_to(4);
  return 1;
}

SEC("sockops")
int hst_sockops(struct bpf_sock_ops *context) {
  add_to(5);
  return 0;
}

char _license[] SEC("license") = "GPL";
