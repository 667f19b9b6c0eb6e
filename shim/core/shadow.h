/* shadow.h: files in a replay that has the log alone: the backup's copy of a session's files is
 * not there, so each one that is mapped and may change lives in a file system of the session's own.
 * shadow.c carries it out. */
#ifndef HS_SHADOW_H
#define HS_SHADOW_H

#include "order.h"

/* One for each file the program opened; the same number on both sides. */
struct hs_file {
  u64 device, inode, born_ns; /* primary: who it is; a number is used again, its birth is not */
  u32 used, mapped;           /* mapped: contents are in the log, changes follow them */
};
#define FILE_AT(i) ((struct hs_file *)(HS_SESSION_BASE + HS_FILES_OFFSET) + (i))
/* An entry of FD_FILE names its file in the upper half; 0: none. */
#define FD_FILE_INDEX(e) (FD_KIND(e) == FD_FILE ? (e) >> 16 : 0)

/* Primary: the number of the file, a new one when it was not seen before; 0 for none. */
u32 hs_file_of(i64 fd);
/* Primary: puts the whole file into the log, unless it is there already. */
void hs_file_carry(struct thread *t, u32 index, i64 fd, u64 bytes);
/* Primary: the size of a file in the log was changed by its path. */
void hs_file_resized(struct thread *t, const char *path);
/* Replay: what a FILE event says. */
void hs_file_take(const struct hs_record *r);
/* Replay: the shadow of a file, as the program opened it. */
i64 hs_shadow_open(u32 index, u64 flags);
/* Replay: is it a descriptor of such a file; and what its calls do to it. */
int hs_is_shadow(i64 fd);
void hs_shadow_read(const struct regs *g, i64 result);
void hs_shadow_write(struct thread *t, struct hs_record *r, const struct regs *g, i64 result);
void hs_shadow_follow(const struct regs *g, i64 result);

#endif
