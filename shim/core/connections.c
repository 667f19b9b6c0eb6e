/* connections.c: the table of TCP connections (connections.h), the bytes kept for each, and its
 * place in the enforcement program's maps. */
#include "connections.h"

#include "calls.gen.h"
#include "process.h"
#include "queued.h"
#include "within.h"

struct chunk {
  u32 next, pad;
  u64 from; /* stream position of bytes[0] */
  u8 bytes[];
};
#define CHUNK_ROOM (HS_CHUNK_BYTES - sizeof(struct chunk))

static struct chunk *chunk_at(u32 i) { return (struct chunk *)CHUNK(i); }

/* ---- kept bytes ---- */

void hs_conn_keep(struct hs_conn *k, const void *bytes, u64 n) {
  const u8 *from = bytes;
  while (n) {
    struct chunk *last = k->last_chunk ? chunk_at(k->last_chunk) : NULL;
    u64 used = last ? k->end_at - last->from : CHUNK_ROOM;
    if (used == CHUNK_ROOM) {
      u32 fresh = hs_chunk_new();
      chunk_at(fresh)->next = 0;
      chunk_at(fresh)->from = k->end_at;
      if (last)
        last->next = fresh;
      else
        k->first_chunk = fresh, k->first_at = k->end_at;
      k->last_chunk = fresh;
      continue;
    }
    u64 run = CHUNK_ROOM - used < n ? CHUNK_ROOM - used : n;
    memcpy(last->bytes + used, from, run);
    k->end_at += run;
    from += run;
    n -= run;
  }
}

void hs_conn_drop(struct hs_conn *k, u64 position) {
  if (position > k->end_at) position = k->end_at;
  if (position > k->first_at) k->first_at = position;
  while (k->first_chunk) {
    struct chunk *first = chunk_at(k->first_chunk);
    u64 end = first->next ? chunk_at(first->next)->from : k->end_at;
    if (position < end) return;
    u32 index = k->first_chunk;
    k->first_chunk = first->next;
    if (!k->first_chunk) k->last_chunk = 0;
    hs_chunk_free(index);
  }
}

const u8 *hs_conn_at(const struct hs_conn *k, u64 position, u64 *run) {
  for (u32 i = k->first_chunk; i; i = chunk_at(i)->next) {
    const struct chunk *c = chunk_at(i);
    u64 end = c->next ? chunk_at(c->next)->from : k->end_at;
    if (position < c->from || position >= end) continue;
    *run = end - position;
    return c->bytes + (position - c->from);
  }
  return NULL;
}

/* ---- the enforcement program's maps ---- */

static int present;
int hs_net_present(void) { return present; }

void hs_net_init(void) {
  if (!(CTL->flags & HS_FLAG_TAKEOVER)) return;
  if (SYS(HS_NR_fcntl, HIDDEN(HID_SETTINGS), 3 /* F_GETFL */) & HS_O_PATH)
    return; /* no more than its number is kept */
  i64 a = SYS(HS_NR_mmap, HS_NET_SETTINGS, PAGE, 3, HS_MAP_SHARED | HS_MAP_FIXED,
              HIDDEN(HID_SETTINGS), 0);
  i64 b = SYS(HS_NR_mmap, HS_NET_SLOT(0), HS_NET_SLOTS * sizeof(struct hs_net_slot), 3,
              HS_MAP_SHARED | HS_MAP_FIXED, HIDDEN(HID_SLOTS), 0);
  if (a != (i64)HS_NET_SETTINGS || b != (i64)HS_NET_SLOT(0))
    hs_refuse("the enforcement program's maps cannot be mapped");
  present = 1;
}

struct bpf_element {
  u32 fd, pad;
  u64 key, value, flags;
};
static i64 bpf(int command, i64 fd, const void *key, void *value) {
  struct bpf_element e = {(u32)fd, 0, (u64)key, (u64)value, 0};
  return SYS(HS_NR_bpf, command, &e, sizeof e);
}
enum { BPF_LOOKUP = 1, BPF_UPDATE = 2, BPF_DELETE = 3, BPF_TAKE = 21 };

static struct hs_net_key key_of(const struct hs_conn *k) {
  return (struct hs_net_key){k->tcp.raddr, k->tcp.rport, k->tcp.lport};
}

/* Closed connections whose FIN may still be on its way: their slots are freed a minute later. */
#define CLOSED_MOST 16384u
#define CLOSED_NS 60000000000ul
#define OVER_MOST 64u /* looked at with each new connection */
static struct closed {
  struct hs_net_key key;
  u32 slot, conn; /* conn: its index, until the backup has been told that it is over */
  u32 end, pad;   /* sequence number behind our FIN */
  u64 ns;
} closed[CLOSED_MOST];
static u32 closed_head, closed_tail;

void hs_brief_take(volatile u32 *lock) {
  while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE)) SYS(HS_NR_sched_yield);
}
void hs_brief_give(volatile u32 *lock) { __atomic_store_n(lock, 0, __ATOMIC_RELEASE); }

/* The program's thread and the releaser both close connections. */
static void lock_closed(void) { hs_brief_take(&CTL->connLock); }
static void unlock_closed(void) { hs_brief_give(&CTL->connLock); }

static void sweep_closed(u64 now) {
  while (closed_tail != closed_head) {
    u32 i = closed_tail % CLOSED_MOST, current;
    int full = closed_head - closed_tail == CLOSED_MOST;
    if (!full && (closed[i].conn || now - closed[i].ns < CLOSED_NS)) return;
    closed_tail++;
    if (closed[i].conn) CONN(closed[i].conn)->state = CONN_FREE;
    closed[i].conn = 0;
    u32 slot = closed[i].slot, flags = HS_NET_SLOT(slot)->flags;
    /* taken over by a new connection of the same client and port: not ours any more */
    if ((flags & HS_NET_NOTED) || !(flags & HS_NET_FIN_OK)) continue;
    if (bpf(BPF_LOOKUP, HIDDEN(HID_INDEX), &closed[i].key, &current) || current != slot) continue;
    bpf(BPF_DELETE, HIDDEN(HID_INDEX), &closed[i].key, NULL);
    __atomic_store_n(&HS_NET_SLOT(slot)->flags, 0, __ATOMIC_SEQ_CST);
    bpf(BPF_UPDATE, HIDDEN(HID_FREE), NULL, &slot);
  }
}

static void note_closed(const struct hs_conn *k, u32 slot, u32 index) {
  u64 now = hs_now_ns(1);
  lock_closed();
  sweep_closed(now);
  struct closed *entry = &closed[closed_head % CLOSED_MOST];
  *entry = (struct closed){key_of(k), slot, index, k->tcp.iss1 + (u32)k->written + 1, 0, now};
  closed_head++;
  unlock_closed();
}

/* Connections the program has closed and whose clients now have everything, or are gone: the
 * backup need not finish them any more. A few are looked at each time, in turn. */
static u32 gather_over(u32 *over) {
  static u32 cursor;
  u32 n = 0;
  u64 now = hs_now_ns(1);
  lock_closed();
  for (u32 looked = 0; looked < OVER_MOST && closed_tail != closed_head; looked++, cursor++) {
    if (cursor - closed_tail >= closed_head - closed_tail) cursor = closed_tail;
    struct closed *entry = &closed[cursor % CLOSED_MOST];
    const struct hs_net_slot *slot = HS_NET_SLOT(entry->slot);
    if (!entry->conn) continue;
    if ((int)(slot->peerAck - entry->end) < 0 && !(slot->flags & HS_NET_RESET) &&
        now - entry->ns < CLOSED_NS)
      continue;
    over[n++] = entry->conn;
    CONN(entry->conn)->state = CONN_FREE;
    entry->conn = 0;
  }
  unlock_closed();
  return n;
}

/* The slot of a connection, HS_NO_SLOT when it has none. Kernels before 5.19 keep bpf() from who
 * has no CAP_BPF where kernel.unprivileged_bpf_disabled is set, maps that are open too: there all
 * slots are looked at, some milliseconds each time. */
static u32 find_slot(struct hs_net_key key) {
  u32 slot = HS_NO_SLOT;
  if (!present) return HS_NO_SLOT;
  i64 error = bpf(BPF_LOOKUP, HIDDEN(HID_INDEX), &key, &slot);
  if (!error) return slot;
  for (slot = 0; error == -HS_EPERM && slot < HS_NET_SLOTS; slot++) {
    const struct hs_net_slot *s = HS_NET_SLOT(slot);
    if ((s->flags & (HS_NET_USED | HS_NET_NOTED)) == HS_NET_USED && s->raddr == key.raddr &&
        s->rport == key.rport && s->lport == key.lport)
      return slot;
  }
  return HS_NO_SLOT;
}

/* The facts of a connection just accepted, by its handshake: the program may be anybody. One that
 * did not come through the service's interface has no slot, and must be asked itself. */
static i64 note(struct hs_conn *k, i64 fd) {
  u64 now = hs_now_ns(1);
  i64 result = hs_tcp_name((int)fd, &k->tcp);
  static u32 told;
  if (result == -97 /* EAFNOSUPPORT */ && !told++)
    hs_warn("a client came by IPv6: such connections are not kept over a takeover");
  if (result < 0) return result;
  if (hs_within_expects(&k->tcp)) {
    hs_within_facts(&k->tcp);
    return 0;
  }
  u32 slot = find_slot(key_of(k));
  if (slot == HS_NO_SLOT) return hs_tcp_note((int)fd, &k->tcp, now);
  return hs_tcp_note_slot((int)fd, &k->tcp, HS_NET_SLOT(slot), now);
}

static void net_attach(struct hs_conn *k, int replaying) {
  struct hs_net_key key = key_of(k);
  u32 slot = HS_NO_SLOT;
  k->net_slot = HS_NO_SLOT;
  if (!present) return;
  if (!replaying) {
    slot = find_slot(key);
    if (slot == HS_NO_SLOT) return;
    __atomic_fetch_or(&HS_NET_SLOT(slot)->flags, HS_NET_NOTED, __ATOMIC_SEQ_CST);
  } else {
    if (bpf(BPF_TAKE, HIDDEN(HID_FREE), NULL, &slot)) {
      hs_warn("no free slot for a connection in the enforcement program's map");
      return;
    }
    hs_tcp_slot(HS_NET_SLOT(slot), &k->tcp, k->tcp.iss1, k->tcp.irs1, 0,
                HS_NET_UNRESTORED | HS_NET_NOTED);
    bpf(BPF_UPDATE, HIDDEN(HID_INDEX), &key, &slot);
  }
  k->net_slot = slot;
}

void hs_conn_attach(struct hs_conn *k) { net_attach(k, 1); }

int hs_conn_has_namesake(const struct hs_conn *k) {
  struct hs_net_key key = key_of(k);
  u32 current;
  return present && bpf(BPF_LOOKUP, HIDDEN(HID_INDEX), &key, &current) == 0;
}

/* A new connection of the same client and port may have taken the key over already: then no. */
int hs_conn_is_current(const struct hs_conn *k) {
  struct hs_net_key key = key_of(k);
  u32 current;
  return present && k->net_slot != HS_NO_SLOT &&
         bpf(BPF_LOOKUP, HIDDEN(HID_INDEX), &key, &current) == 0 && current == k->net_slot;
}

void hs_conn_detach(struct hs_conn *k) {
  struct hs_net_key key = key_of(k);
  u32 slot = k->net_slot;
  if (!present || slot == HS_NO_SLOT) return;
  if (hs_conn_is_current(k)) bpf(BPF_DELETE, HIDDEN(HID_INDEX), &key, NULL);
  k->net_slot = HS_NO_SLOT;
  __atomic_store_n(&HS_NET_SLOT(slot)->flags, 0, __ATOMIC_SEQ_CST);
  bpf(BPF_UPDATE, HIDDEN(HID_FREE), NULL, &slot);
}

i64 hs_conn_note(struct hs_conn *k, i64 fd) {
  u32 slot = find_slot(key_of(k));
  if (slot == HS_NO_SLOT) return -1;
  i64 result = hs_tcp_note_slot((int)fd, &k->tcp, HS_NET_SLOT(slot), hs_now_ns(1));
  if (result >= 0) net_attach(k, 0);
  return result < 0 ? result : 0;
}

/* 1: the connection is remembered as closed, until its client is known to have everything. */
static int net_forget(struct hs_conn *k, u32 index) {
  if (!recording() || !hs_conn_is_current(k)) {
    hs_conn_detach(k);
    return 0;
  }
  /* its FIN is still on its way: the slot stays until a SYN-ACK takes the key over, or a sweep */
  u32 slot = k->net_slot;
  k->net_slot = HS_NO_SLOT;
  __atomic_fetch_or(&HS_NET_SLOT(slot)->flags, HS_NET_FIN_OK, __ATOMIC_SEQ_CST);
  __atomic_fetch_and(&HS_NET_SLOT(slot)->flags, ~HS_NET_NOTED, __ATOMIC_SEQ_CST);
  int tell = hs_mode == HS_MODE_RECORD;
  note_closed(k, slot, tell ? index : 0);
  return tell;
}

/* ---- the table ---- */

void hs_conn_take(u32 index) {
  memset(CONN(index), 0, sizeof(struct hs_conn));
  if (index > HS_CONN_HIGHEST) HS_CONN_HIGHEST = index;
  CONN(index)->state = CONN_OPEN;
  CONN(index)->descriptors = 1;
  CONN(index)->net_slot = HS_NO_SLOT;
}

u32 hs_conn_new(void) {
  static u32 hint = 1;
  for (u32 tried = 0; tried < HS_MAX_CONNS; tried++) {
    if (hint >= HS_MAX_CONNS) hint = 1;
    u32 i = hint++;
    if (CONN(i)->state == CONN_FREE) {
      hs_conn_take(i);
      return i;
    }
  }
  return 0;
}

void hs_conn_free(u32 index) {
  struct hs_conn *k = CONN(index);
  int lingers = net_forget(k, index);
  hs_conn_drop(k, ~0ul);
  k->state = lingers ? CONN_OVER : CONN_FREE;
}

/* The backup keeps a closed connection, with what its client may still lack, until the primary
 * says that it is over: at a takeover its kernel cannot be asked to go on sending. */
void hs_conn_closed(u32 index) {
  struct hs_conn *k = CONN(index);
  if (hs_within_closed(index)) return;
  if (!recording() && (CTL->flags & HS_FLAG_TAKEOVER) && present && k->state == CONN_OPEN)
    k->state = CONN_ORPHAN;
  else
    hs_conn_free(index);
}

void hs_conn_accepted(struct thread *t, i64 fd) {
  if (!(CTL->flags & HS_FLAG_TAKEOVER)) return;
  struct hs_record *r = hs_turn(t);
  u32 index;
  struct hs_conn *k;
  if (r) {
    if ((r->method & HS_METHOD_ROW) != HS_EV_CONNECTION)
      hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "facts of a connection");
    index = (u32)r->result;
    const u32 *over = (const u32 *)(HS_RECORD_DATA(r) + sizeof k->tcp);
    for (u64 i = 0; i < (HS_RECORD_LEN(r) - sizeof k->tcp) / 4; i++)
      if (CONN(over[i])->state == CONN_ORPHAN) hs_conn_free(over[i]);
    if (index) {
      if (CONN(index)->state == CONN_ORPHAN) hs_conn_free(index); /* the primary forgot it */
      hs_conn_take(index);
      k = CONN(index);
      memcpy(&k->tcp, HS_RECORD_DATA(r), sizeof k->tcp);
      k->tcp.timestampNs = hs_now_ns(1);
      hs_queued_forget(&k->tcp);
      if (!hs_within_join(index)) hs_conn_attach(k);
    }
    hs_consume(t, r);
  } else {
    index = hs_mode == HS_MODE_LIVE ? 0 : hs_conn_new();
    struct { struct hs_tcp tcp; u32 over[OVER_MOST]; } facts;
    memset(&facts.tcp, 0, sizeof facts.tcp);
    u32 over = hs_mode == HS_MODE_RECORD ? gather_over(facts.over) : 0;
    if (index) {
      k = CONN(index);
      if (note(k, fd) < 0) {
        k->state = CONN_FREE; /* reset before we could look: the program will find out by itself */
        index = 0;
      } else {
        k->fd = fd;
        k->pid = t->pid;
        if (!hs_within_join(index)) net_attach(k, 0);
        facts.tcp = k->tcp;
      }
    }
    hs_append_bytes(t, HS_EV_CONNECTION, (u32)fd, index, 0, &facts, sizeof facts.tcp + 4 * over);
  }
  if (!index) return;
  CTL->connsMade++;
  hs_set_conn(fd, index);
}
