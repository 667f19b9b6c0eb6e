/* slots.c: hands out slots of threads (slots.h).
 *
 * A thread runs on its slot's stack a little longer than its record says. So a slot that was left
 * goes to the end of a queue, and is taken again only when the kernel says that the thread is gone:
 * by clearing `kernelTid`, or, where the address space goes with the thread, by /proc. The rule: a
 * slot that may still be in use is not taken; new ones are there for that. */
#include "slots.h"

#include "calls.gen.h"
#include "groups.h"
#include "order.h"
#include "process.h"

#define TRIES_MOST 20000 /* of 100 us, when all slots are handed out */

static int process_is_alive(u32 pid) {
  for (u32 i = 0; i < CTL->slots; i++)
    if (SLOT(i)->state == 1 && SLOT(i)->pid == pid) return 1;
  return 0;
}

/* The leader of a process stays until all of it is gone: the descriptor table is the process's. */
static int is_gone(const struct hs_slot *s) {
  if (s->tid == s->pid && process_is_alive(s->pid)) return 0;
  return !s->kernelTid || hs_task_is_dead(s->tid);
}

/* The slot left longest ago, if it can be taken; one that cannot goes to the end of the queue. */
static int take_left(u32 *slot) {
  u32 first = CTL->leftFirst;
  if (!first) return 0;
  struct hs_slot *s = SLOT(first - 1);
  CTL->leftFirst = s->next;
  if (!s->next) CTL->leftLast = 0;
  if (!is_gone(s)) {
    hs_slot_leave(first - 1);
    return 0;
  }
  if (s->tid == s->pid && s->fdChunk) hs_chunk_free(s->fdChunk);
  *slot = first - 1;
  return 1;
}

u32 hs_slot_take(void) {
  u32 slot = 0;
  for (u32 tries = 0; !take_left(&slot); tries++) {
    if (CTL->slots < HS_MAX_SLOTS) {
      slot = CTL->slots++;
      break;
    }
    u64 nap[2] = {0, 100000};
    if (tries == TRIES_MOST) hs_die("the application has more than 4096 threads at once");
    SYS(HS_NR_nanosleep, nap, 0);
  }
  struct hs_slot *s = SLOT(slot);
  s->state = s->tid = s->pid = s->fdChunk = s->stopped = 0;
  s->kernelTid = 1;
  return slot;
}

void hs_slot_leave(u32 slot) {
  struct hs_slot *s = SLOT(slot);
  if (s->state == 1) hs_group_part(s->group);
  s->state = 2;
  s->next = 0;
  if (CTL->leftLast)
    SLOT(CTL->leftLast - 1)->next = slot + 1;
  else
    CTL->leftFirst = slot + 1;
  CTL->leftLast = slot + 1;
}

static int leave(u32 pid, int ends_itself) {
  int was_alive = 0;
  for (u32 i = 0; i < CTL->slots; i++)
    if (SLOT(i)->state == 1 && SLOT(i)->pid == pid) {
      /* the lists of another process went with its memory */
      if (ends_itself) hs_robust_end(thread_at(i));
      hs_slot_leave(i);
      hs_group_lost(SLOT(i)->group, pid);
      CTL->threads--;
      was_alive = 1;
    }
  CTL->processes -= (u32)was_alive;
  return was_alive;
}

int hs_leave(u32 pid) { return leave(pid, pid == self()->pid); }
int hs_leave_killed(u32 pid) { return leave(pid, 0); }
