/* endings.c: how a connection ends on the primary: its last bytes leave first, and its FIN, like
 * any output, not before the backup holds the record of the call that caused it.
 *
 * A close is taken over: the descriptor moves to a number that the program cannot see, and the
 * releaser (outbox.c) closes it there. The rule: nothing says goodbye to a client in the program's
 * name unless the program did. */
#include "calls.gen.h"
#include "connections.h"
#include "datagrams.h"
#include "descriptors.h"
#include "outbox.h"
#include "process.h"

/* Does the end of this connection have to wait, for its bytes or for the backup? */
static int waits_to_end(const struct hs_conn *k) {
  if (hs_mode != HS_MODE_RECORD || !(CTL->flags & HS_FLAG_TAKEOVER)) return 0;
  if (k->sent != k->end_at) return 1;
  return (CTL->flags & HS_FLAG_PROTECTED) && CTL->commit != HS_COMMIT_ASYNC;
}

/* A number that the program cannot see: its limit is in the way, for a moment. */
static i64 spare_descriptor(i64 fd) {
  u64 first = hs_process.hidden_base + HID_COUNT, limit[2], high[2];
  SYS(HS_NR_prlimit64, 0, 7 /* NOFILE */, 0, limit);
  high[0] = first + HS_MAX_FD;
  high[1] = limit[1] > high[0] ? limit[1] : high[0];
  if (SYS(HS_NR_prlimit64, 0, 7, high, 0)) { /* without the right to raise it: up to the hard one */
    high[0] = high[1] = limit[1];
    if (first >= limit[1] || SYS(HS_NR_prlimit64, 0, 7, high, 0)) return -1;
  }
  i64 spare = SYS(HS_NR_fcntl, fd, 1030 /* F_DUPFD_CLOEXEC */, first);
  SYS(HS_NR_prlimit64, 0, 7, limit, 0);
  return spare;
}

int hs_outbox_shut(struct thread *t, i64 fd) {
  u32 index;
  (void)t;
  struct hs_conn *k = hs_outbox_conn(fd, &index);
  if (!k || !waits_to_end(k)) {
    if (k) hs_outbox_allow(k, HS_NET_SHUT_OK);
    return 0;
  }
  return 1;
}

void hs_outbox_note_shut(i64 fd) {
  u32 index;
  if (hs_outbox_conn(fd, &index)) hs_outbox_mark(index, MARK_SHUT, 0);
}

int hs_outbox_close(struct thread *t, i64 fd) {
  u32 index;
  struct hs_conn *k = hs_outbox_conn(fd, &index);
  hs_datagrams_flush(fd);
  if (!k) return 0;
  if (k->descriptors > 1) { /* it stays open elsewhere; but what is held leaves by this number */
    if (hs_mode == HS_MODE_RECORD && k->fd == fd && k->pid == t->pid) hs_outbox_flush(t, k);
    return 0;
  }
  i64 spare = waits_to_end(k) ? spare_descriptor(fd) : -1;
  if (spare < 0) {
    if (waits_to_end(k)) hs_outbox_flush(t, k);
    /* nothing is held: its FIN or RST may leave with the close */
    hs_outbox_allow(k, HS_NET_FIN_OK);
    return 0;
  }
  k->fd = spare;
  k->state = CONN_LEAVING;
  SYS(HS_NR_close, fd);
  return (int)index;
}

void hs_outbox_note_close(int index) { hs_outbox_mark((u32)index, MARK_CLOSE, 0); }

void hs_descriptors_killed(u32 chunk) {
  volatile u32 *fds = (volatile u32 *)CHUNK(chunk);
  for (u32 fd = 0; chunk && fd < HS_MAX_FD; fd++) {
    u32 index = FD_KIND(fds[fd]) == FD_TCP ? FD_CONN(fds[fd]) : 0;
    fds[fd] = FD_NONE;
    if (!index || !CONN(index)->descriptors || --CONN(index)->descriptors) continue;
    if (hs_mode == HS_MODE_RECORD && !CONN(index)->within)
      hs_outbox_mark(index, MARK_GONE, 0);
    else
      hs_conn_closed(index);
  }
}

/* A fork: each connection has one more number. */
void hs_descriptors_shared(void) {
  for (i64 fd = 0; fd < (i64)HS_MAX_FD; fd++) {
    u32 entry = FDS[fd];
    if (FD_KIND(entry) == FD_TCP && FD_CONN(entry)) CONN(FD_CONN(entry))->descriptors++;
  }
}

void hs_descriptors_lost(void) {
  u32 chunk = CTL->lostChunk;
  if (!recording() || hs_process.parallel) return;
  CTL->lostChunk = 0;
  hs_descriptors_killed(chunk);
  hs_chunk_free(chunk);
}
