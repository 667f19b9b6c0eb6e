/* inodes.c: who a file is, over a takeover. Programs know files again by device and inode number,
 * which differ between the hosts: a database that no longer recognises its own file opens it a
 * second time beside itself. So the backup notes for each file that the log shows which of its own
 * it is, and once live the program is told the numbers it knows.
 *
 * The rule: what is shown is one-to-one. A file of this host whose own number is taken by another
 * one gets the number which that one left free. */
#include "calls.gen.h"
#include "regular.h"

#define PROBES 16u
#define MOST_STEPS 64

/* `other` is what the table of the other direction has it under; inode 0 stands for the device. */
struct known {
  u32 device, other_device;
  u64 inode, other_inode;
  u32 seen, pad; /* 0: free; else when it was last noted, in records */
};
_Static_assert(sizeof(struct known) == HS_INODE_BYTES, "ring.h has the room for it");
struct id {
  u32 device;
  u64 inode;
};
enum direction { OWN, RECORDED };

static struct known *slot_of(enum direction d, struct id x, u32 probe) {
  u32 hash = hs_crc_word(hs_crc_word(0, x.device), x.inode);
  u64 table = HS_SESSION_BASE + HS_INODES_OFFSET + d * (u64)HS_MAX_INODES * HS_INODE_BYTES;
  return (struct known *)table + ((hash + probe) & (HS_MAX_INODES - 1));
}

static struct known *find(enum direction d, struct id x) {
  for (u32 probe = 0; probe < PROBES; probe++) {
    struct known *k = slot_of(d, x, probe);
    if (k->seen && k->device == x.device && k->inode == x.inode) return k;
  }
  return NULL;
}

static struct id other_of(const struct known *k) {
  return (struct id){k->other_device, k->other_inode};
}

static void forget(enum direction d, struct known *k) {
  struct known *other = k ? find(!d, other_of(k)) : NULL;
  if (other) other->seen = 0;
  if (k) k->seen = 0;
}

/* ---- the backup follows ---- */

static void put(enum direction d, struct id x, struct id other, u32 now) {
  struct known *to = NULL;
  for (u32 probe = 0; probe < PROBES; probe++) {
    struct known *k = slot_of(d, x, probe);
    if (!to || !k->seen || (to->seen && now - k->seen > now - to->seen)) to = k;
    if (!to->seen) break;
  }
  forget(d, to->seen ? to : NULL); /* no room: the one not seen for longest */
  *to = (struct known){x.device, other.device, x.inode, other.inode, now, 0};
}

static void pair(struct id own, struct id recorded, u32 now) {
  struct known *k = find(OWN, own);
  if (k && k->other_device == recorded.device && k->other_inode == recorded.inode) {
    struct known *other = find(RECORDED, recorded);
    k->seen = now;
    if (other) other->seen = now;
    return;
  }
  forget(OWN, k); /* a number is used again when its file is gone */
  forget(RECORDED, find(RECORDED, recorded));
  put(OWN, own, recorded, now);
  put(RECORDED, recorded, own, now);
}

static void note(struct id own, struct id recorded) {
  u32 now = (u32)CTL->tailSeq | 1;
  struct known *device = find(OWN, (struct id){own.device, 0});
  pair(own, recorded, now);
  if (device)
    pair((struct id){own.device, 0}, other_of(device), now);
  else if (!find(RECORDED, (struct id){recorded.device, 0}))
    pair((struct id){own.device, 0}, (struct id){recorded.device, 0}, now);
}

/* ---- live ---- */

static u32 device_shown(u32 device) {
  const struct known *k = find(OWN, (struct id){device, 0});
  if (k) return k->other_device;
  for (int i = 0; i < MOST_STEPS; i++) {
    k = find(RECORDED, (struct id){device, 0});
    if (!k) break;
    device = k->other_device;
  }
  return device;
}

static struct id shown(struct id own) {
  const struct known *k = find(OWN, own);
  if (k) return other_of(k);
  struct id x = {device_shown(own.device), own.inode};
  for (int i = 0; i < MOST_STEPS; i++) {
    k = find(RECORDED, x);
    if (!k) break;
    x = (struct id){device_shown(k->other_device), k->other_inode};
  }
  return x;
}

/* ---- the calls ---- */

struct kernel_stat_head {
  u64 device, inode, links;
  u32 mode;
};
struct kernel_statx_head {
  u32 mask, block_bytes;
  u64 attributes;
  u32 links, uid, gid;
  u16 mode, pad;
  u64 inode;
};
enum { STATX_WORDS = 32, STATX_MAJOR = 34, STATX_MINOR = 35, TYPE_AND_INODE = 0x101 };

static u64 *answer_of(struct regs *g) {
  if (g->rax == HS_NR_statx) return &g->r8;
  return g->rax == HS_NR_newfstatat ? &g->rdx : &g->rsi;
}

/* Who it is, as the kernel numbers devices in a struct stat; 0 when it is no file of a disk. */
static int read_id(const struct regs *g, u64 at, struct id *id, u32 *type) {
  if (g->rax == HS_NR_statx) {
    const struct kernel_statx_head *st = (const void *)at;
    u32 major = ((const u32 *)at)[STATX_MAJOR], minor = ((const u32 *)at)[STATX_MINOR];
    if ((st->mask & TYPE_AND_INODE) != TYPE_AND_INODE) return 0;
    *id = (struct id){(minor & 0xff) | major << 8 | (minor & ~0xffu) << 12, st->inode};
    *type = st->mode & 0170000u;
  } else {
    const struct kernel_stat_head *st = (const void *)at;
    *id = (struct id){(u32)st->device, st->inode};
    *type = st->mode & 0170000u;
  }
  return id->inode && *type != 0020000 && *type != 0060000;
}

static void write_id(const struct regs *g, u64 at, struct id id) {
  if (g->rax == HS_NR_statx) {
    ((struct kernel_statx_head *)at)->inode = id.inode;
    ((u32 *)at)[STATX_MAJOR] = (id.device >> 8) & 0xfff;
    ((u32 *)at)[STATX_MINOR] = (id.device & 0xff) | ((id.device >> 12) & 0xfff00);
  } else {
    ((struct kernel_stat_head *)at)->device = id.device;
    ((struct kernel_stat_head *)at)->inode = id.inode;
  }
}

static void look_here(const struct regs *g, struct id recorded, u32 type) {
  u64 scratch[STATX_WORDS];
  struct regs own = *g;
  struct id id;
  u32 own_type;
  memset(scratch, 0, sizeof scratch);
  *answer_of(&own) = (u64)scratch;
  if (g->rax == HS_NR_statx) own.r10 |= TYPE_AND_INODE;
  if (!hs_execute(&own) && read_id(g, (u64)scratch, &id, &own_type) && own_type == type)
    note(id, recorded);
}

i64 hs_irr_stat(struct thread *t, struct regs *g, const struct hs_call *c) {
  i64 result = hs_regular(t, g, c);
  u64 at = *answer_of(g);
  struct id id;
  u32 type;
  if (result || LIKELY(hs_mode == HS_MODE_RECORD) || CTL->files != HS_FILES_MIRRORED) return result;
  if (!read_id(g, at, &id, &type)) return result;
  if (recording())
    write_id(g, at, shown(id));
  else
    look_here(g, id, type);
  return result;
}

/* The device is asked of each entry: on an overlay it need not be the directory's. */
static u64 entry_shown(i64 directory, u64 inode, u64 name) {
  u64 st[18];
  u64 flags = 0x900; /* AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT */
  if (SYS(HS_NR_newfstatat, directory, name, st, flags) || st[1] != inode) return inode;
  return shown((struct id){(u32)st[0], inode}).inode;
}

i64 hs_irr_entries(struct thread *t, struct regs *g, const struct hs_call *c) {
  i64 result = hs_regular(t, g, c);
  u64 name = g->rax == HS_NR_getdents64 ? 19 : 18;
  if (LIKELY(hs_mode != HS_MODE_LIVE) || CTL->files != HS_FILES_MIRRORED) return result;
  for (i64 at = 0; at < result; at += *(const u16 *)(g->rsi + (u64)at + 16)) {
    u64 entry = g->rsi + (u64)at;
    *(u64 *)entry = entry_shown((int)g->rdi, *(const u64 *)entry, entry + name);
  }
  return result;
}
