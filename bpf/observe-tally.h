/* observe-tally.h: maps and functions that count things by key: where calls came from, what they
 * were made with, signals, library functions.
 * Most calls repeat the last one's key, so each CPU holds a small table indexed by a hash of the
 * key; what is pushed out of its place is added to the hash that all share. The sum is both.
 * The rule: only on_exit uses the per-CPU table: it is never entered twice at a time on one CPU. */
#ifndef HS_OBSERVE_TALLY_H
#define HS_OBSERVE_TALLY_H

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, HS_OBSERVE_SLOTS);
  __type(key, __u32);
  __type(value, struct hs_observe_slot);
} slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __type(key, struct hs_observe_tally);
  __type(value, __u64);
} tallies SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, struct hs_observe_text);
  __type(value, __u64);
} texts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, HS_OBSERVE_LOSSES);
  __type(key, __u32);
  __type(value, __u64);
} lost SEC(".maps");

static __always_inline void lose(__u32 kind, __u64 count) {
  __u64 *of_cpu = bpf_map_lookup_elem(&lost, &kind);
  if (of_cpu) __sync_fetch_and_add(of_cpu, count);
}

static __noinline int add_tally(struct hs_observe_tally *key, __u64 count) {
  if (!key) return 0;
  __u64 *known = bpf_map_lookup_elem(&tallies, key);
  if (!known) {
    if (bpf_map_update_elem(&tallies, key, &count, BPF_NOEXIST) == 0) return 0;
    /* Full, or another CPU was first. */
    known = bpf_map_lookup_elem(&tallies, key);
  }
  if (known) __sync_fetch_and_add(known, count);
  else lose(HS_OBSERVE_LOST_TALLIES, count);
  return 0;
}

static __always_inline void tally(__u32 what, __u32 space, __u64 value) {
  __u64 mixed = (value ^ ((__u64)what << 32) ^ space) * 0x9e3779b97f4a7c15ull;
  __u32 at = (__u32)(mixed >> 48) & (HS_OBSERVE_SLOTS - 1);
  struct hs_observe_slot *slot = bpf_map_lookup_elem(&slots, &at);
  if (!slot) return;
  if (slot->key.what == what && slot->key.space == space && slot->key.value == value) {
    slot->count++;
    return;
  }
  if (slot->count) add_tally(&slot->key, slot->count);
  slot->key.what = what;
  slot->key.space = space;
  slot->key.value = value;
  slot->count = 1;
}

static __always_inline void tally_shared(__u32 what, __u32 space, __u64 value) {
  struct hs_observe_tally key = {.what = what, .space = space, .value = value};
  add_tally(&key, 1);
}

static __noinline int tally_text(__u32 row, const char *user) {
  struct hs_observe_text key = {.row = row};
  __u64 one = 1;
  if (bpf_probe_read_user_str(key.text, sizeof(key.text), user) < 6) return 0;
  if (key.text[0] != '/') return 0;
  __u32 folder = *(__u32 *)&key.text[1];
  /* Little-endian: "dev/", "proc", "sys/". */
  if (folder != 0x2f766564u && folder != 0x636f7270u && folder != 0x2f737973u) return 0;
  __u64 *known = bpf_map_lookup_elem(&texts, &key);
  if (known) __sync_fetch_and_add(known, 1);
  else if (bpf_map_update_elem(&texts, &key, &one, BPF_ANY)) lose(HS_OBSERVE_LOST_TALLIES, 1);
  return 0;
}

#endif
