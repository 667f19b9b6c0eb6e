/* identity.c: reads, follows and assumes identities (identity.h).
 *
 * Credentials are each thread's own in the kernel, so they are kept per thread here. The kernel
 * computes what a call makes of capabilities; the shim repeats none of that, it reads the outcome.
 * The rule: what was assumed is read back and compared. */
#include "identity.h"

#include "calls.gen.h"
#include "outbox.h"

enum { CAP_DAC_OVERRIDE = 1, CAP_DAC_READ_SEARCH = 2, CAP_SETGID = 6, CAP_SETUID = 7,
       CAP_SETPCAP = 8, CAP_NET_BIND_SERVICE = 10, CAP_NET_ADMIN = 12, CAP_NET_RAW = 13,
       CAP_SYS_ADMIN = 21, CAP_CHECKPOINT_RESTORE = 40 };
enum { GET_DUMPABLE = 3, SET_DUMPABLE = 4, GET_KEEPCAPS = 7, SET_KEEPCAPS = 8, CAPBSET_READ = 23,
       CAPBSET_DROP = 24, GET_SECUREBITS = 27, SET_SECUREBITS = 28, SET_NO_NEW_PRIVS = 38,
       GET_NO_NEW_PRIVS = 39, CAP_AMBIENT = 47, AMBIENT_IS_SET = 1, AMBIENT_RAISE = 2 };
enum { KEEP_CAPS = 1 << 4 /* of the securebits */, CAP_VERSION = 0x20080522 };
#define CAP(n) (1ul << (n))

/* What a follower does beside the program: children with chosen ids, sockets, the program's name,
 * and, when it goes live, becoming somebody else. */
#define NEEDED                                                                                  \
  (CAP(CAP_SETGID) | CAP(CAP_SETUID) | CAP(CAP_SETPCAP) | CAP(CAP_NET_BIND_SERVICE) |           \
   CAP(CAP_NET_ADMIN) | CAP(CAP_NET_RAW) | CAP(CAP_SYS_ADMIN) | CAP(CAP_CHECKPOINT_RESTORE))

static u32 *groups_of(struct thread *t) { return (u32 *)(t->self + HS_T_BOUNCE); }

static void read_capabilities(u64 *effective, u64 *permitted, u64 *inheritable) {
  u32 header[2] = {CAP_VERSION, 0}, data[6] = {0};
  SYS(HS_NR_capget, header, data);
  *effective = data[0] | (u64)data[3] << 32;
  *permitted = data[1] | (u64)data[4] << 32;
  *inheritable = data[2] | (u64)data[5] << 32;
}

static i64 set_capabilities(u64 effective, u64 permitted, u64 inheritable) {
  u32 header[2] = {CAP_VERSION, 0};
  u32 data[6] = {(u32)effective, (u32)permitted, (u32)inheritable,
                 (u32)(effective >> 32), (u32)(permitted >> 32), (u32)(inheritable >> 32)};
  return SYS(HS_NR_capset, header, data);
}

/* Sets of one bit a call to ask: 80 calls, so only when they may have changed. */
static void read_sets(struct hs_identity *to) {
  for (u64 cap = 0; cap < 64; cap++) {
    i64 bounded = SYS(HS_NR_prctl, CAPBSET_READ, cap);
    if (bounded < 0) break; /* one past the last that this kernel knows */
    if (bounded) to->bounding |= CAP(cap);
    if (SYS(HS_NR_prctl, CAP_AMBIENT, AMBIENT_IS_SET, cap) == 1) to->ambient |= CAP(cap);
  }
}

static void read_identity(struct thread *t, struct hs_identity *to, int sets) {
  memset(to, 0, sizeof *to);
  SYS(HS_NR_getresuid, &to->uid[0], &to->uid[1], &to->uid[2]);
  SYS(HS_NR_getresgid, &to->gid[0], &to->gid[1], &to->gid[2]);
  to->uid[HS_ID_FILES] = (u32)SYS(HS_NR_setfsuid, -1);
  to->gid[HS_ID_FILES] = (u32)SYS(HS_NR_setfsgid, -1);
  read_capabilities(&to->effective, &to->permitted, &to->inheritable);
  if (sets || t->identity.ambient)
    read_sets(to);
  else /* prctl alone takes from the one and adds to the other */
    to->bounding = t->identity.bounding;
  to->securebits = (u32)SYS(HS_NR_prctl, GET_SECUREBITS);
  to->no_new_privs = (u32)SYS(HS_NR_prctl, GET_NO_NEW_PRIVS);
  to->dumpable = (u32)SYS(HS_NR_prctl, GET_DUMPABLE);
  i64 n = SYS(HS_NR_getgroups, HS_MOST_GROUPS, groups_of(t));
  to->groups = n > 0 ? (u32)n : 0;
  to->groups_digest = hs_crc(0, groups_of(t), to->groups * 4ul);
}

/* ---- the primary ---- */

static int ids_differ(const struct hs_identity *a, const struct hs_identity *b) {
  return memcmp(a->uid, b->uid, sizeof a->uid) || memcmp(a->gid, b->gid, sizeof a->gid);
}

u32 hs_identity_first(struct thread *t, struct span spans[2]) {
  read_identity(t, &t->identity, 1);
  spans[0] = (struct span){(u8 *)&t->identity, sizeof t->identity};
  spans[1] = (struct span){(u8 *)groups_of(t), t->identity.groups * 4ul};
  return 2;
}

/* What a call has made of it; 0 when nothing. */
static u32 note_change(struct thread *t, int sets, struct span spans[2]) {
  struct hs_identity now;
  read_identity(t, &now, sets);
  if (!memcmp(&now, &t->identity, sizeof now)) return 0;
  /* the kernel has judged anew whether others may look into the process */
  if (ids_differ(&now, &t->identity)) hs_process.hides_dumpable = 0;
  t->identity = now;
  spans[0] = (struct span){(u8 *)&t->identity, sizeof now};
  spans[1] = (struct span){(u8 *)groups_of(t), now.groups * 4ul};
  return 2;
}

int hs_is_identity_option(u64 option) {
  return option == SET_KEEPCAPS || option == CAPBSET_DROP || option == SET_SECUREBITS ||
         option == SET_NO_NEW_PRIVS || option == CAP_AMBIENT || option == SET_DUMPABLE;
}

/* The program wants to be looked into. Another user's process must not be: it holds the session's
 * memory and its sockets. It is told what it asked for. */
static int stays_closed(const struct thread *t, const struct regs *g) {
  return g->rax == HS_NR_prctl && (u32)g->rdi == SET_DUMPABLE && g->rsi == 1 &&
         t->identity.uid[HS_ID_EFFECTIVE];
}

i64 hs_identity_call(struct thread *t, struct regs *g, const struct hs_call *c, u32 object) {
  struct hs_record *r = hs_turn(t);
  struct span spans[2];
  int closed = stays_closed(t, g);
  if (g->rax == HS_NR_prctl && (u32)g->rdi == SET_DUMPABLE && g->rsi <= 1)
    hs_process.hides_dumpable = (u32)closed;
  if (!r) {
    i64 result = closed ? 0 : hs_execute(g);
    u32 n = result < 0 ? 0 : note_change(t, g->rax == HS_NR_prctl, spans);
    if (n) hs_outbox_restart(t);
    hs_append(t, (u32)g->rax, object, result, hs_check(g, c, result), spans, n);
    return result;
  }
  i64 result = r->result;
  hs_match(t, g, r, hs_check(g, c, result));
  if (r->data) hs_identity_follow(t, r, HS_RECORD_DATA(r), HS_RECORD_LEN(r));
  hs_consume(t, r);
  return result;
}

i64 hs_irr_identity(struct thread *t, struct regs *g, const struct hs_call *c) {
  if (g->rax == HS_NR_setgroups && (u32)g->rdi > HS_MOST_GROUPS) return -HS_EINVAL;
  i64 result = hs_identity_call(t, g, c, 0);
  /* the kernel says which version of the header it knows */
  if (g->rax == HS_NR_capset && result == -HS_EINVAL && !recording())
    *(u32 *)g->rdi = CAP_VERSION;
  return result;
}

/* ---- the backup, following ---- */

static int groups_differ(struct thread *t, const u32 *want, u64 n) {
  i64 have = SYS(HS_NR_getgroups, HS_MOST_GROUPS, groups_of(t));
  return have != (i64)n || memcmp(groups_of(t), want, n * 4);
}

/* The rights over files that `t->identity` has, and beside them what a follower needs. */
static void take_rights(const struct thread *t) {
  const struct hs_identity *who = &t->identity;
  u64 effective, permitted, inheritable;
  SYS(HS_NR_setfsgid, who->gid[HS_ID_FILES]);
  SYS(HS_NR_setfsuid, who->uid[HS_ID_FILES]);
  read_capabilities(&effective, &permitted, &inheritable);
  set_capabilities((who->effective | NEEDED) & permitted, permitted, inheritable);
}

void hs_identity_follow(struct thread *t, struct hs_record *r, const u8 *data, u64 bytes) {
  struct hs_identity *who = &t->identity;
  const u32 *groups = (const u32 *)(data + sizeof *who);
  u32 gid[3] = {0, 0, 0};
  if (bytes < sizeof *who ||
      bytes != sizeof *who + ((const struct hs_identity *)data)->groups * 4ul)
    hs_diverge(t, r, "an identity", "a record of another length");
  if (ids_differ((const struct hs_identity *)data, who)) hs_process.hides_dumpable = 0;
  memcpy(who, data, sizeof *who);
  if (groups_differ(t, groups, who->groups) && SYS(HS_NR_setgroups, who->groups, groups))
    hs_diverge(t, r, "the recorded supplementary groups", "others: this host may not set them");
  SYS(HS_NR_setresgid, who->gid[0], who->gid[1], who->gid[2]);
  take_rights(t);
  if (who->no_new_privs) SYS(HS_NR_prctl, SET_NO_NEW_PRIVS, 1);
  SYS(HS_NR_getresgid, &gid[0], &gid[1], &gid[2]);
  if (memcmp(gid, who->gid, sizeof gid))
    hs_diverge_values(t, r, "group id", who->gid[HS_ID_EFFECTIVE], gid[1]);
  u32 files = (u32)SYS(HS_NR_setfsuid, -1);
  if (files != who->uid[HS_ID_FILES])
    hs_diverge_values(t, r, "user id for files", who->uid[HS_ID_FILES], files);
}

static int is_errand_another(const struct thread *t) {
  u64 files = CAP(CAP_DAC_OVERRIDE) | CAP(CAP_DAC_READ_SEARCH);
  return !recording() &&
         (t->identity.uid[HS_ID_FILES] || (t->identity.effective & files) != files);
}

void hs_errand_begin(struct thread *t) {
  u64 effective, permitted, inheritable;
  if (!is_errand_another(t)) return;
  SYS(HS_NR_setfsuid, 0);
  read_capabilities(&effective, &permitted, &inheritable);
  set_capabilities(permitted, permitted, inheritable);
}

void hs_errand_end(struct thread *t) {
  if (is_errand_another(t)) take_rights(t);
}

i64 hs_open_any(struct thread *t, const char *path, u64 flags) {
  hs_errand_begin(t);
  i64 fd = SYS(HS_NR_open, path, flags, 0);
  hs_errand_end(t);
  return fd;
}

i64 hs_open_own(struct thread *t, const char *path, u64 flags) {
  i64 fd = SYS(HS_NR_openat, HIDDEN(HID_PROC), path, flags, 0);
  if (fd != -HS_EACCES) return fd;
  i64 dumpable = SYS(HS_NR_prctl, GET_DUMPABLE);
  hs_errand_begin(t);
  SYS(HS_NR_prctl, SET_DUMPABLE, 1);
  fd = SYS(HS_NR_openat, HIDDEN(HID_PROC), path, flags, 0);
  hs_errand_end(t);
  SYS(HS_NR_prctl, SET_DUMPABLE, dumpable == 1);
  return fd;
}

/* ---- the backup, going live ---- */

static void assume_bounds(const struct hs_identity *who, const struct hs_identity *now) {
  for (u64 cap = 0; cap < 64; cap++) {
    if (now->bounding & ~who->bounding & CAP(cap)) SYS(HS_NR_prctl, CAPBSET_DROP, cap);
    if (who->ambient & CAP(cap)) SYS(HS_NR_prctl, CAP_AMBIENT, AMBIENT_RAISE, cap);
  }
  u32 bits = (u32)SYS(HS_NR_prctl, GET_SECUREBITS);
  if ((bits ^ who->securebits) & ~(u32)KEEP_CAPS)
    SYS(HS_NR_prctl, SET_SECUREBITS, who->securebits);
  bits = (u32)SYS(HS_NR_prctl, GET_SECUREBITS);
  if (bits != who->securebits)
    SYS(HS_NR_prctl, SET_KEEPCAPS, (who->securebits & KEEP_CAPS) != 0);
}

static void become(struct thread *t, const struct hs_identity *now) {
  const struct hs_identity *who = &t->identity;
  u64 all = now->permitted;
  set_capabilities(all, all, now->inheritable);
  SYS(HS_NR_prctl, SET_KEEPCAPS, 1); /* or leaving user 0 would end it all here */
  SYS(HS_NR_setresgid, who->gid[0], who->gid[1], who->gid[2]);
  SYS(HS_NR_setresuid, who->uid[0], who->uid[1], who->uid[2]);
  set_capabilities(all, all, who->inheritable);
  SYS(HS_NR_setfsgid, who->gid[HS_ID_FILES]);
  SYS(HS_NR_setfsuid, who->uid[HS_ID_FILES]);
  set_capabilities(all, all, who->inheritable); /* the line before took those over files */
  assume_bounds(who, now);
  if (who->no_new_privs) SYS(HS_NR_prctl, SET_NO_NEW_PRIVS, 1);
  set_capabilities(who->effective & all, who->permitted & all, who->inheritable);
  if (who->dumpable < 2) SYS(HS_NR_prctl, SET_DUMPABLE, who->dumpable);
}

/* What of the recorded identity is not so: NULL when nothing is, or what is less than it. */
static const char *excess(const struct hs_identity *who, const struct hs_identity *now) {
  if (memcmp(who->uid, now->uid, sizeof who->uid)) return "its user";
  if (memcmp(who->gid, now->gid, sizeof who->gid)) return "its group";
  if (who->groups != now->groups || who->groups_digest != now->groups_digest)
    return "its supplementary groups";
  if ((now->permitted & ~who->permitted) || (now->effective & ~who->effective) ||
      (now->inheritable & ~who->inheritable) || (now->ambient & ~who->ambient))
    return "its capabilities";
  if (now->bounding & ~who->bounding) return "its capability bounding set";
  if (now->securebits != who->securebits) return "its securebits";
  if (who->no_new_privs && !now->no_new_privs) return "no_new_privs";
  return NULL;
}

void hs_identity_assume(struct thread *t) {
  struct hs_identity now;
  read_identity(t, &now, 1);
  if (!memcmp(&now, &t->identity, sizeof now)) return;
  become(t, &now);
  read_identity(t, &now, 1);
  const char *wrong = excess(&t->identity, &now);
  if (wrong) {
    char text[120], *p = hs_put(text, "going live, a thread could not take back ");
    *hs_put(p, wrong) = 0;
    hs_die(text);
  }
  if (now.permitted != t->identity.permitted)
    hs_warn("this host lacks capabilities that the program had: 0x%x",
            t->identity.permitted & ~now.permitted);
  t->identity = now;
}

/* ---- exec ---- */

int hs_gains_rights(struct thread *t, i64 fd, const u32 *st) {
  const struct hs_identity *who = &t->identity;
  u64 fs[15];
  u32 mode = st[6], owner = st[7], group = st[8];
  int is_set_id = ((mode & 04000) && owner != who->uid[HS_ID_EFFECTIVE]) ||
                  ((mode & 02010) == 02010 && group != who->gid[HS_ID_EFFECTIVE]);
  int has_capabilities =
      who->uid[HS_ID_EFFECTIVE] && SYS(HS_NR_fgetxattr, fd, "security.capability", 0, 0) > 0;
  if (who->no_new_privs || (!is_set_id && !has_capabilities)) return 0;
  return SYS(HS_NR_fstatfs, fd, fs) || !(fs[10] & 2 /* ST_NOSUID */);
}

int hs_may_name_file(const struct thread *t) {
  return (t->identity.effective & (CAP(CAP_SYS_ADMIN) | CAP(CAP_CHECKPOINT_RESTORE))) != 0;
}
