/* lost.c: what init does for processes that were killed by what cannot be caught (SIGKILL, or no
 * memory left) and that nobody waits for: it finds them, and puts their end into the log in their
 * name. The copy's process ends where it comes to that record. Who is waited for has its end there.
 *
 * The rule: a process is lost when the kernel has none of its threads any more; that is looked at
 * again with the order lock in hand, before anything is recorded. */
#include "lost.h"

#include "../core/calls.gen.h"
#include "../core/order.h"
#include "../core/slots.h"

#define HIDDEN_PROC 900 /* init has no descriptors of its own but few */
#define AT_ONCE 64u     /* threads that are looked at between two waits */

void hs_lost_begin(void) {
  self()->pid = self()->tid = 1;
  i64 fd = SYS(HS_NR_open, "/proc", HS_O_PATH | HS_O_DIRECTORY, 0);
  SYS(HS_NR_dup3, fd, HIDDEN_PROC, 0);
  SYS(HS_NR_close, fd);
  hs_process.hidden_base = HIDDEN_PROC - HID_PROC;
}

/* All of a process are dead, and none has come to a recorded end. */
static int is_lost(u32 pid) {
  u32 threads = 0;
  for (u32 i = 0; i < CTL->slots; i++) {
    if (SLOT(i)->state != 1 || SLOT(i)->pid != pid) continue;
    if (!hs_task_is_dead(SLOT(i)->tid)) return 0;
    threads++;
  }
  return threads && hs_task_is_dead(pid);
}

/* Its connections have to be closed by a process that holds output: the next that makes a call. */
static int hand_connections_on(u32 pid) {
  u32 leader = TIDMAP[pid], chunk = SLOT(leader)->fdChunk;
  if (SLOT(leader)->pid != pid || !chunk || !(CTL->flags & HS_FLAG_TAKEOVER)) return 1;
  if (CTL->lostChunk) return 0;
  SLOT(leader)->fdChunk = 0;
  CTL->lostChunk = chunk;
  return 1;
}

static void record_loss(u32 slot) {
  static struct thread lost; /* in whose name it is recorded */
  struct hs_slot *s = SLOT(slot);
  u32 pid = s->pid;
  if (!is_lost(pid)) return;
  hs_lock_take(&CTL->order); /* init runs no program code: no baton is for it */
  if (s->state == 1 && s->pid == pid && is_lost(pid) && hand_connections_on(pid)) {
    lost.tid = s->tid;
    lost.pid = pid;
    lost.group = s->group;
    lost.stamp = s->group << HS_METHOD_GROUP_SHIFT;
    hs_append(&lost, HS_EV_DEATH, pid, 0, HS_SIGKILL, NULL, 0);
    hs_leave_killed(pid);
    hs_wake_consumer();
  }
  hs_lock_give(&CTL->order);
}

void hs_lost_look(int all) {
  static u32 next;
  if (CTL->live) hs_mode = HS_MODE_LIVE;
  if (!recording() || (CTL->flags & HS_FLAG_PARALLEL)) return;
  u32 slots = CTL->slots, count = all || slots < AT_ONCE ? slots : AT_ONCE;
  for (; count; count--) {
    next = next + 1 < slots ? next + 1 : 0;
    if (SLOT(next)->state == 1) record_loss(next);
  }
}
