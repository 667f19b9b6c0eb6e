/* packets.bpf.c: counts frames that arrive, by tc and by xdp, and lets them pass. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

__u64 by_tc, by_tc_egress, by_xdp; /* .bss, mapped by the test */

SEC("tc")
int hst_tc(struct __sk_buff *packet) {
  __sync_fetch_and_add(&by_tc, 1);
  return TC_ACT_UNSPEC;
}

SEC("tc")
int hst_tc_egress(struct __sk_buff *packet) {
  __sync_fetch_and_add(&by_tc_egress, 1);
  return TC_ACT_UNSPEC;
}

SEC("xdp")
int hst_xdp(struct xdp_md *context) {
  __sync_fetch_and_add(&by_xdp, 1);
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
