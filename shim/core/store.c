/* store.c: the backup's store of descriptors (store.h): one message for each in a socket that all
 * processes have and no program sees (hs-start makes it).
 * The rule: one at a time looks through it, for what is looked at is out of it meanwhile. */
#include "store.h"

#include "arguments.h"
#include "calls.gen.h"
#include "connections.h"

struct parcel {
  u64 id;
  struct iovec64 part;
  struct {
    u64 bytes;
    int level, type, fd, pad;
  } control;
  struct msghdr64 message;
};

static void pack(struct parcel *p) {
  memset(&p->message, 0, sizeof p->message);
  p->part = (struct iovec64){(u64)&p->id, 8};
  p->message.iov = (u64)&p->part;
  p->message.iov_count = 1;
  p->message.control = (u64)&p->control;
  p->message.control_bytes = sizeof p->control;
}

void hs_store_put(u64 id, i64 fd) {
  struct parcel p;
  memset(&p, 0, sizeof p);
  pack(&p);
  p.id = id;
  p.control.bytes = 20, p.control.level = 1, p.control.type = 1, p.control.fd = (int)fd;
  i64 n = SYS(HS_NR_sendmsg, HIDDEN(HID_POST), &p.message, 0x4040 /* DONTWAIT | NOSIGNAL */);
  if (n < 0) hs_warn("a descriptor on its way cannot be kept: error %d", -n);
}

/* What lies before it goes to the end. */
static i64 look(u64 id, int keep) {
  u64 first = 0;
  for (;;) {
    struct parcel p;
    pack(&p);
    if (SYS(HS_NR_recvmsg, HIDDEN(HID_TAKE), &p.message, 0x40 /* DONTWAIT */) != 8) return -1;
    if (p.message.control_bytes < 20) continue;
    if (p.id != id || keep) hs_store_put(p.id, p.control.fd);
    if (p.id == id) return p.control.fd;
    SYS(HS_NR_close, p.control.fd);
    if (p.id == first) return -1;
    if (!first) first = p.id;
  }
}

i64 hs_store_take(u64 id, int keep) {
  hs_brief_take(&HS_STORE_LOCK);
  i64 fd = look(id, keep);
  hs_brief_give(&HS_STORE_LOCK);
  return fd;
}
