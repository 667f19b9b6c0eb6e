/* ipc.c: System V shared memory, semaphores and queues, and POSIX queues. The application has an
 * IPC namespace of its own (start.c), so nobody else changes what is in it and numbers come out
 * equal: both sides make every call that changes something.
 *
 * The rule: a change is made with the baton held, so that its place among the records is its place
 * in the kernel. */
#include "calls.gen.h"
#include "groups.h"
#include "regular.h"

#define APPLY_MOST 5000 /* ms: the kernel undoes semaphores of a process some time after its end */
#define OPS_MOST 512

struct sembuf {
  u16 number;
  short change, flags;
};
#define NOWAIT 04000

enum { IPC_RMID, IPC_SET, IPC_STAT, IPC_INFO };

/* Nobody waits inside the kernel's own call: there the change would be made while another thread
 * holds the baton. Whoever must wait does so for a word that each change moves; then it tries
 * again. */
struct hs_ipc {
  volatile u32 changes, waiting;
};
#define IPC ((struct hs_ipc *)(HS_SESSION_BASE + HS_PASSED_OFFSET + 32))
#define LOOK_AGAIN_NS 20000000ul /* what the kernel changes by itself moves no word */

static void changed(i64 result) {
  if (result < 0) return;
  IPC->changes++;
  if (IPC->waiting) SYS(HS_NR_futex, &IPC->changes, 1 /* WAKE */, 0x7fffffff);
}

/* Makes the call until it is not `full`, or until a signal or the deadline (0: none) comes. */
static i64 do_in_turn(struct thread *t, const struct regs *call, i64 full, u32 clock,
                      u64 deadline_ns, int may_wait) {
  for (int waited = 0;; waited = 1) {
    i64 result = hs_execute(call);
    if (result != full) {
      changed(result);
      return waited && result == -HS_EINVAL ? -43 /* EIDRM */ : result;
    }
    if (!may_wait || (deadline_ns && hs_now_ns(clock) >= deadline_ns)) return result;
    u64 nap[2] = {0, LOOK_AGAIN_NS};
    if (deadline_ns && deadline_ns - hs_now_ns(clock) < LOOK_AGAIN_NS)
      nap[1] = (deadline_ns - hs_now_ns(clock)) % LOOK_AGAIN_NS;
    struct regs wait = {.rax = HS_NR_futex, .rdi = (u64)&IPC->changes, .rdx = IPC->changes,
                        .r10 = (u64)nap};
    IPC->waiting++;
    hs_wake_before_wait();
    hs_baton_give();
    result = hs_execute_waiting(t, &wait);
    hs_baton_take();
    IPC->waiting--;
    if (result == -HS_EINTR) return result;
  }
}

/* The backup does what the primary has done: it can be done as soon as those are gone that have
 * ended before. */
static void apply(struct thread *t, struct hs_record *r, const struct regs *g) {
  i64 own = 0;
  for (u32 i = 0; i < APPLY_MOST; i++) {
    own = hs_execute(g);
    if (own != -HS_EAGAIN && own != -HS_ETIMEDOUT) break;
    u64 nap[2] = {0, 1000000};
    SYS(HS_NR_nanosleep, nap, 0);
  }
  if (own < 0) hs_diverge_values(t, r, "result of a repeated call", (u64)r->result, (u64)own);
}

struct copied {
  void *to;
  u64 from, bytes;
};
static void copy(void *state) {
  struct copied *c = state;
  memcpy(c->to, (const void *)c->from, c->bytes);
}
static int copy_in(void *to, u64 from, u64 bytes) {
  struct copied c = {to, from, bytes};
  return !hs_try(copy, &c);
}

/* ---- shared memory ---- */

i64 hs_irr_attach_shared(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  if (!r) {
    hs_together(t);
    i64 at = hs_execute(g);
    hs_append(t, HS_NR_shmat, 0, at, hs_check(g, c, at), NULL, 0);
    return at;
  }
  hs_match(t, g, r, hs_check(g, c, r->result));
  i64 want = r->result, at = want;
  if (want > 0 || want < -4095) at = SYS(HS_NR_shmat, g->rdi, want, g->rdx);
  if (at != want) hs_diverge_values(t, r, "address of shared memory", (u64)want, (u64)at);
  hs_consume(t, r);
  return at;
}

/* Bytes that a command of shmctl, semctl or msgctl writes behind its last argument. */
static u64 control_out(const struct regs *g, u32 command) {
  u64 st[13] = {0};
  int shm = g->rax == HS_NR_shmctl, sem = g->rax == HS_NR_semctl;
  switch (command) {
    case IPC_STAT: return shm ? 112 : sem ? 104 : 120;
    case IPC_INFO: return shm ? 72 : sem ? 40 : 32;
    case 11: return shm || sem ? 0 : 120;    /* SHM_LOCK; MSG_STAT */
    case 12: return shm || sem ? 0 : 32;     /* SHM_UNLOCK, GETVAL; MSG_INFO */
    case 13:                                 /* SHM_STAT, GETALL, MSG_STAT_ANY */
      if (!sem) return shm ? 112 : 120;
      SYS(HS_NR_semctl, g->rdi, 0, IPC_STAT, st);
      return 2 * st[10];
    case 14: return shm ? 48 : 0;            /* SHM_INFO, GETNCNT */
    case 15: return shm ? 112 : 0;           /* SHM_STAT_ANY, GETZCNT */
    case 18: case 20: return sem ? 104 : 0;  /* SEM_STAT, SEM_STAT_ANY */
    case 19: return sem ? 40 : 0;            /* SEM_INFO */
    default: return 0;
  }
}

i64 hs_irr_ipc_control(struct thread *t, struct regs *g, const struct hs_call *c) {
  int sem = g->rax == HS_NR_semctl;
  u32 command = (u32)(sem ? g->rdx : g->rsi) & ~0x100u; /* IPC_64 */
  void *argument = (void *)(sem ? g->r10 : g->rdx);
  int sets = command == IPC_RMID || command == IPC_SET ||
             (g->rax == HS_NR_shmctl && (command == 11 || command == 12)) ||
             (sem && (command == 16 || command == 17)); /* SETVAL, SETALL */
  struct hs_record *r = hs_turn(t);
  i64 result = r ? r->result : hs_execute(g);
  if (!r) {
    u64 bytes = result >= 0 ? control_out(g, command) : 0;
    if (sets) changed(result);
    hs_append_bytes(t, (u32)g->rax, command, result, hs_check(g, c, result), argument, bytes);
    return result;
  }
  hs_match(t, g, r, hs_check(g, c, result));
  if (sets && result >= 0 && hs_execute(g) < 0)
    hs_diverge(t, r, "an object changed as on the primary", "another result");
  memcpy(argument, HS_RECORD_DATA(r), HS_RECORD_LEN(r));
  hs_consume(t, r);
  return result;
}

/* ---- semaphores ---- */

static u64 deadline_of(u64 address, u64 from, u32 *ok) {
  u64 limit[2] = {0, 0};
  *ok = copy_in(limit, address, 16) && limit[1] < 1000000000 && (i64)limit[0] >= 0;
  return from + limit[0] * 1000000000 + limit[1] + 1;
}

/* Is there an operation that the program wants to fail rather than wait? */
static int fails_at_once(const struct regs *g) {
  const struct sembuf *ops = (const struct sembuf *)g->rsi;
  for (u64 i = 0; i < g->rdx; i++)
    if (ops[i].flags & NOWAIT) return 1;
  return 0;
}

i64 hs_irr_semaphore(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  struct sembuf ops[OPS_MOST];
  struct regs call = *g;
  int may_wait = g->rdx <= OPS_MOST && copy_in(ops, g->rsi, g->rdx * sizeof *ops);
  u32 ok = 1;
  u64 deadline = g->rax == HS_NR_semtimedop && g->r10 ? deadline_of(g->r10, hs_now_ns(1), &ok) : 0;
  call.rax = HS_NR_semop;
  if (may_wait) call.rsi = (u64)ops;
  for (u64 i = 0; may_wait && i < g->rdx; i++) ops[i].flags |= NOWAIT;
  if (r) {
    i64 result = r->result;
    hs_match(t, g, r, hs_check(g, c, result));
    if (result >= 0) apply(t, r, &call);
    hs_consume(t, r);
    return result;
  }
  i64 result = ok ? do_in_turn(t, &call, -HS_EAGAIN, 1, deadline,
                               may_wait && !fails_at_once(g)) : -HS_EINVAL;
  hs_append(t, (u32)g->rax, 0, result, hs_check(g, c, result), NULL, 0);
  return result;
}

/* ---- queues ---- */

static u64 with_message(u64 check, i64 result, u64 at, u64 bytes) {
  return result < 0 ? check : check ^ (u64)hs_crc(0, (const void *)at, bytes) << 32;
}

i64 hs_irr_queue_send(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  struct regs call = *g;
  call.r10 |= NOWAIT;
  i64 result = r ? r->result : do_in_turn(t, &call, -HS_EAGAIN, 1, 0, !(g->r10 & NOWAIT));
  u64 check = with_message(hs_check(g, c, result), result, g->rsi, 8 + g->rdx);
  if (!r) {
    hs_append(t, HS_NR_msgsnd, 0, result, check, NULL, 0);
    return result;
  }
  hs_match(t, g, r, check);
  if (result >= 0) apply(t, r, &call);
  hs_consume(t, r);
  return result;
}

i64 hs_irr_queue_receive(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  struct regs call = *g;
  call.r8 |= NOWAIT;
  i64 result = r ? r->result : do_in_turn(t, &call, -42 /* ENOMSG */, 1, 0, !(g->r8 & NOWAIT));
  if (!r) {
    hs_append_bytes(t, HS_NR_msgrcv, 0, result, hs_check(g, c, result), (void *)g->rsi,
                    result >= 0 ? 8 + (u64)result : 0);
    return result;
  }
  hs_match(t, g, r, hs_check(g, c, result));
  if (result >= 0) {
    memcpy(&call.r10, HS_RECORD_DATA(r), 8); /* the first message of the type that came */
    if (!(g->r8 & 040000 /* MSG_COPY */)) apply(t, r, &call);
    memcpy((void *)g->rsi, HS_RECORD_DATA(r), HS_RECORD_LEN(r));
  }
  hs_consume(t, r);
  return result;
}

/* With a time that has passed a call does at once what it can. A wrong time must stay wrong. */
static const u64 past[2];
static i64 mq_in_turn(struct thread *t, const struct regs *g) {
  struct regs call = *g;
  u32 ok = 1;
  u64 deadline = g->r8 ? deadline_of(g->r8, 0, &ok) : 0;
  if (ok) call.r8 = (u64)past;
  return do_in_turn(t, &call, -HS_ETIMEDOUT, 0, deadline, (int)ok);
}

i64 hs_irr_mq_send(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  struct regs call = *g;
  call.r8 = (u64)past;
  i64 result = r ? r->result : mq_in_turn(t, g);
  u64 check = with_message(hs_check(g, c, result), result, g->rsi, g->rdx);
  if (!r) {
    hs_append(t, HS_NR_mq_timedsend, (u32)g->rdi, result, check, NULL, 0);
    return result;
  }
  hs_match(t, g, r, check);
  if (result >= 0) apply(t, r, &call);
  hs_consume(t, r);
  return result;
}

i64 hs_irr_mq_receive(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  struct regs call = *g;
  call.r8 = (u64)past;
  i64 result = r ? r->result : mq_in_turn(t, g);
  if (!r) {
    struct span spans[2] = {{(u8 *)g->r10, g->r10 ? 4 : 0}, {(u8 *)g->rsi, (u64)result}};
    hs_append(t, HS_NR_mq_timedreceive, (u32)g->rdi, result, hs_check(g, c, result), spans,
              result >= 0 ? 2 : 0);
    return result;
  }
  hs_match(t, g, r, hs_check(g, c, result));
  if (result >= 0) {
    const u8 *data = HS_RECORD_DATA(r);
    apply(t, r, &call);
    if (g->r10) memcpy((void *)g->r10, data, 4), data += 4;
    memcpy((void *)g->rsi, data, (u64)result);
  }
  hs_consume(t, r);
  return result;
}
